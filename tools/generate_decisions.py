"""Writes docs/decisions-table.md from the gateway's rules, or tells whether it differs.

    python tools/generate_decisions.py            writes the page
    python tools/generate_decisions.py --check    exits 1 where the page differs

What the page says of a rule comes from running it: `decision_cases.py` tries every value of what it looks at.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import getdoc
from itertools import chain, groupby
from pathlib import Path
from typing import Final

from services.gateway.domain.decision import Outcome, ReasonCode, RemedyCode
from services.gateway.domain.rules import START_RULES, sign_in_verdict
from services.gateway.domain.texts import REASON_TEXTS, REMEDY_TEXTS
from tools.decision_cases import Case, Condition, conditions, sign_in_cases, start_cases

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "decisions-table.md"
_INTRODUCTION: Final = """\
# What is decided, and why

Made from `services/gateway/domain/rules.py` by `make decisions`, which runs the rules on every combination of facts;
CI refuses a difference. The names are those that ExplainDecision answers with.

To read a table: **the first line that fits is the answer.** A fact that a line does not name may have any value. A
remedy after a colon is offered where what stands before the colon holds; a remedy without one, always. Remedies stand
best first; a channel on which nobody can be reached is left out (`use_cases/offers.py`).

Times are `none`, `past`, `now` or `ahead`, counts `none` or `some`. "Cell" is the sharing experiment's: where it is not
`any`, the experiment switches the line.
"""
_TOLD: Final = "as told"
"""In the column of cells, where the conditions of a line differ in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A remedy, and the conditions one of which has to hold for it; one without facts always does."""

    remedy: RemedyCode
    when: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A rule's answer, and the conditions one of which has to hold where no rule before it answered."""

    rule: str
    outcome: Outcome
    reason: ReasonCode
    when: tuple[Condition, ...]
    offers: tuple[Offer, ...]


def rows(cases: Sequence[Case]) -> list[Row]:
    """The answers in the order of their rules, and those of a rule in the order in which its facts' values stand."""
    keys = dict.fromkeys(map(_answer, cases))
    return [_row(cases, *key) for key in sorted(keys, key=lambda key: len(key[0]))]


def _row(cases: Sequence[Case], rules: tuple[str, ...], outcome: Outcome, reason: ReasonCode) -> Row:
    reached = [case for case in cases if case.rules[: len(rules)] == rules]
    given = [case for case in reached if _answer(case) == (rules, outcome, reason)]
    others = [case for case in reached if _answer(case) != (rules, outcome, reason)]
    when = conditions(given, others)
    return Row(rule=rules[-1], outcome=outcome, reason=reason, when=when, offers=tuple(_offers(given)))


def _answer(case: Case) -> tuple[tuple[str, ...], Outcome, ReasonCode]:
    return case.rules, case.verdict.outcome, case.verdict.reason


def _offers(cases: Sequence[Case]) -> Iterable[Offer]:
    by_length = sorted((case.verdict.remedies for case in cases), key=len, reverse=True)
    for remedy in dict.fromkeys(chain.from_iterable(by_length)):
        offered = [case for case in cases if remedy in case.verdict.remedies]
        refused = [case for case in cases if remedy not in case.verdict.remedies]
        yield Offer(remedy=remedy, when=conditions(offered, refused))


def page() -> str:
    """The whole page."""
    start, sign_in = start_cases(), sign_in_cases()
    starts, sign_ins = rows(start), rows(sign_in)
    sections = (
        _INTRODUCTION,
        "## The rules of a start, in order\n",
        "StartStream and RenewStream; the first rule that answers ends it.\n",
        _table(("", "rule", "in words", "turns on", "experiment switches it"), _rules(starts, start)),
        "## What a start is answered\n",
        _table(("rule", "when", "cell", "outcome", "reason", "remedies"), _answers(starts, start)),
        "## What a sign-in is answered, after a right password\n",
        f"{_in_words(sign_in_verdict)}\n",
        _table(
            ("when", "outcome", "reason", "remedies"), (line[1:2] + line[3:] for line in _answers(sign_ins, sign_in))
        ),
        "## What people read\n",
        _table(("reason or remedy", "English"), _words([*starts, *sign_ins])),
    )
    return "\n".join(sections)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = "|---" * len(head) + "|\n"
    return _line(head) + rule + "".join(map(_line, lines))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _rules(answers: Sequence[Row], cases: Sequence[Case]) -> Iterable[Sequence[str]]:
    for number, (name, rule) in enumerate(START_RULES, 1):
        own = [row for row in answers if row.rule == name]
        whens = [*chain(*(row.when for row in own)), *chain(*(offer.when for row in own for offer in row.offers))]
        facts = sorted({fact for when in whens for fact in when}, key=list(_labels(cases)).index)
        switched = "yes" if "cell" in facts else "no"
        turns_on = (
            ", ".join(f"`{fact}`" for fact in facts) or "nothing: it leaves a line in the trace and never answers"
        )
        yield str(number), f"`{name}`", _in_words(rule), turns_on, switched


def _in_words(rule: object) -> str:
    return " ".join((getdoc(rule) or "").split())


def _answers(answers: Sequence[Row], cases: Sequence[Case]) -> Iterable[tuple[str, ...]]:
    labels = _labels(cases)
    for row in answers:
        cell = _cell(row, labels)
        when = row.when if cell == _TOLD else [_without_cell(each) for each in row.when]
        offers = _offered(row.offers, labels) or "–"
        yield f"`{row.rule}`", _said(when, labels) or "always", cell, row.outcome, row.reason, offers


def _cell(row: Row, labels: dict[str, list[str]]) -> str:
    """The experiment's cells in which a line applies."""
    cells = {when.get("cell") for when in row.when}
    if len(cells) > 1:
        return _TOLD
    return ", ".join(label for each in cells if each for label in labels["cell"] if label in each) or "any"


def _without_cell(when: Condition) -> Condition:
    return {fact: values for fact, values in when.items() if fact != "cell"}


def _offered(offers: Sequence[Offer], labels: dict[str, list[str]]) -> str:
    groups = groupby(offers, key=lambda offer: _said(offer.when, labels))
    return "; ".join(
        f"{when}{': ' if when else ''}{', '.join(offer.remedy for offer in group)}" for when, group in groups
    )


def _said(when: Iterable[Condition], labels: dict[str, list[str]]) -> str:
    return "; or ".join(
        ", ".join(_fact(fact, each[fact], labels[fact]) for fact in labels if fact in each) for each in when
    )


def _fact(fact: str, values: frozenset[str], labels: list[str]) -> str:
    others = [label for label in labels if label not in values]
    shown = [label for label in labels if label in values]
    if len(others) < len(shown):
        return f"`{fact}` not {_either(others)}"
    return f"`{fact}` {_either(shown)}"


def _either(labels: Sequence[str]) -> str:
    *first, last = labels
    return f"{', '.join(first)} or {last}" if first else last


def _labels(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Each fact that is looked at, with its values, in the order in which they are looked at."""
    labels: dict[str, dict[str, None]] = {}
    for case in cases:
        for fact, label in case.known.items():
            labels.setdefault(fact, {})[label] = None
    return {fact: list(each) for fact, each in labels.items()}


def _words(answers: Sequence[Row]) -> Iterable[Sequence[str]]:
    reasons = dict.fromkeys(row.reason for row in answers)
    remedies = dict.fromkeys(offer.remedy for row in answers for offer in row.offers)
    yield from ((reason, REASON_TEXTS[reason]) for reason in reasons)
    yield from ((remedy, REMEDY_TEXTS[remedy]) for remedy in remedies)


def main() -> int:
    """Runs the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page differs")
    check: bool = parser.parse_args().check
    fresh = page()
    if not check:
        PAGE.write_text(fresh)
        return 0
    if PAGE.exists() and PAGE.read_text() == fresh:
        return 0
    name = PAGE.relative_to(ROOT)
    print(f"{name} differs from the rules: run `make decisions` and commit the result", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""docs/decisions-table.md keeps to the rules: each combination is answered as the first line that fits says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final, get_type_hints

import pytest

from services.gateway.domain.decision import ReasonCode, RemedyCode, Verdict
from services.gateway.domain.records import Allowances, Assessment, SessionEndReason, SessionState
from services.gateway.domain.rules import START_RULES, Facts, decide, sign_in_verdict
from tools import generate_decisions
from tools.decision_cases import Case, conditions, meets, sign_in_cases, start_cases, values_of
from tools.generate_decisions import PAGE, Row, page, rows

_NEVER_LOOKED_AT: Final[Mapping[str, Mapping[str, object]]] = {
    "allowances": {"": Allowances(deferrals_left=0, guest_leases_left=0, travel_days_left=0)},
    "policy_version": {"": "1"},
    "known_device": {"": True},
    # Only told: the full plan is `streams_in_the_way`.
    "max_streams": {"2": 2},
}


def combinations(record: type) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Every combination of a record's values, by label and as they are."""
    values = {
        fact: _NEVER_LOOKED_AT[fact] if fact in _NEVER_LOOKED_AT else values_of(fact, kind)
        for fact, kind in get_type_hints(record).items()
    }
    for labels in product(*values.values()):
        known = dict(zip(values, labels, strict=True))
        yield known, {fact: values[fact][label] for fact, label in known.items()}


def agrees(lines: Sequence[Row], known: Mapping[str, str], rule: str, verdict: Verdict) -> bool:
    """Whether the first line that fits says what the rules said, with the same remedies in the same order."""
    line = next(line for line in lines if any(meets(known, when) for when in line.when))
    offered = tuple(offer.remedy for offer in line.offers if any(meets(known, when) for when in offer.when))
    return (line.rule, line.outcome, line.reason, offered) == (rule, verdict.outcome, verdict.reason, verdict.remedies)


def test_the_page_is_made_from_the_rules_as_they_are() -> None:
    """`make decisions` was run after the last change of a rule."""
    assert PAGE.read_text() == page()


def test_one_rule_answers_each_combination_and_the_first_line_that_fits_says_what() -> None:
    lines = rows(start_cases())
    for known, facts in combinations(Facts):
        # A session has a reason to be over where it is over, and only there.
        if (facts["session_state"] is SessionState.ENDED) == (facts["session_end_reason"] is SessionEndReason.NONE):
            continue
        decision = decide(Facts(**facts))
        assert [trace.decided for trace in decision.trace].count(True) == 1
        assert agrees(lines, known, decision.trace[-1].rule, decision.verdict), known


def test_the_first_line_that_fits_says_what_a_sign_in_is_answered() -> None:
    lines = rows(sign_in_cases())
    for (known, assessment), reset in product(combinations(Assessment), (False, True)):
        verdict = sign_in_verdict(Assessment(**assessment), reset_required=reset)
        assert agrees(lines, {**known, "reset_required": "yes" if reset else "no"}, "sign_in", verdict), known


def test_every_rule_reason_and_remedy_stands_on_the_page() -> None:
    text = PAGE.read_text()
    assert not [name for name, _ in START_RULES if f"| `{name}` |" not in text]
    assert not [code for code in (*ReasonCode, *RemedyCode) if f"| {code} |" not in text]


def test_a_fact_whose_values_are_not_named_is_refused_and_not_left_out() -> None:
    with pytest.raises(LookupError, match="max_devices"):
        values_of("max_devices", int)


def test_a_condition_with_an_or_is_found() -> None:
    verdict = start_cases()[0].verdict
    cases = [Case(known={"a": a, "b": b}, rules=(), verdict=verdict) for a, b in product("xy", "xy")]
    both_x, *others = cases
    assert conditions([both_x], others) == ({"a": frozenset("x"), "b": frozenset("x")},)
    assert conditions(others, [both_x]) == ({"b": frozenset("y")}, {"a": frozenset("y")})


@pytest.mark.parametrize(("told", "code"), [("", 0), ("something else\n", 1)])
def test_a_page_that_differs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, code: int) -> None:
    stale = tmp_path / "decisions-table.md"
    stale.write_text(page() + told)
    monkeypatch.setattr(generate_decisions, "ROOT", tmp_path)
    monkeypatch.setattr(generate_decisions, "PAGE", stale)
    monkeypatch.setattr("sys.argv", ["generate_decisions.py", "--check"])
    assert generate_decisions.main() == code

"""Every case that the gateway's rules can tell apart, found by running them, and the conditions that tell cases apart.

The rules get facts of which nothing is known. Where one is looked at, the run is begun again with each of its values;
so a case stands for all combinations of what was not looked at, and no combination is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Final, cast, get_type_hints

from services.gateway.domain.decision import Verdict
from services.gateway.domain.records import Assessment
from services.gateway.domain.rules import Facts, decide, sign_in_verdict

Known = Mapping[str, str]
"""Facts, each with the label of its value."""
Condition = Mapping[str, frozenset[str]]
"""Facts, each with the labels that it may have; all of them have to hold."""
Answer = tuple[tuple[str, ...], Verdict]

_NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_TIMES: Final[Mapping[str, object]] = {"none": None, "past": _NOW - _DAY, "now": _NOW, "ahead": _NOW + _DAY}
_VALUES: Final[Mapping[str, Mapping[str, object]]] = {
    "now": {"now": _NOW},
    "standing_expire_time": _TIMES,
    "expire_time": _TIMES,
    "max_streams": {"1": 1, "2": 2},
    "streams_in_the_way": {"none": None, "some": 2},
    "free_member_slots": {"none": 0, "some": 1},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What was looked at, by which rules, and what the last of them answered."""

    known: Known
    rules: tuple[str, ...]
    verdict: Verdict


class UnknownFactError(Exception):
    """A rule looked at a fact whose value is not known yet."""

    def __init__(self, fact: str, labels: Sequence[str]) -> None:
        super().__init__(fact)
        self.fact = fact
        self.labels = labels


class _Looked:
    """Stands in for a record of which only some fields are known."""

    def __init__(self, kind: type, known: Known) -> None:
        self._kind = kind
        self._known = known

    def __getattr__(self, name: str) -> object:
        member = inspect.getattr_static(self._kind, name)
        if isinstance(member, property) and member.fget:
            return member.fget(self)
        return _look(name, _kinds(self._kind)[name], self._known)


@cache
def _kinds(record: type) -> Mapping[str, Any]:
    return get_type_hints(record)


def start_cases() -> list[Case]:
    """Every case of a start."""
    return list(_cases(_start, {}))


def sign_in_cases() -> list[Case]:
    """Every case of a sign-in."""
    return list(_cases(_sign_in, {}))


def _start(known: Known) -> Answer:
    decision = decide(cast(Facts, _Looked(Facts, known)))
    return tuple(trace.rule for trace in decision.trace), decision.verdict


def _sign_in(known: Known) -> Answer:
    assessment = cast(Assessment, _Looked(Assessment, known))
    reset_required = bool(_look("reset_required", bool, known))
    return ("sign_in",), sign_in_verdict(assessment, reset_required=reset_required)


def _cases(answer: Callable[[Known], Answer], known: Known) -> Iterator[Case]:
    try:
        rules, verdict = answer(known)
    except UnknownFactError as unknown:
        for label in unknown.labels:
            yield from _cases(answer, {**known, unknown.fact: label})
    else:
        yield Case(known=known, rules=rules, verdict=verdict)


def _look(fact: str, kind: Any, known: Known) -> object:
    values = values_of(fact, kind)
    if fact not in known:
        raise UnknownFactError(fact, tuple(values))
    return values[known[fact]]


def values_of(fact: str, kind: Any) -> Mapping[str, object]:
    """The values of a fact that are tried, by label. Raises LookupError for a fact that needs a line above."""
    if fact in _VALUES:
        return _VALUES[fact]
    if kind is bool:
        return {"no": False, "yes": True}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {str(member.value): member for member in kind}
    raise LookupError(f"a rule looks at {fact}; name the values to try in tools/decision_cases.py")


def conditions(cases: Sequence[Case], others: Sequence[Case]) -> tuple[Condition, ...]:
    """Conditions one of which each of the cases meets and none of the others; few, and of few facts."""
    hull = _hull(cases)
    if not any(meets(other.known, hull) for other in others):
        return (_shortened(hull, others),)
    splits = [_split(fact, cases, others) for fact, labels in hull.items() if len(labels) > 1]
    return min(splits, key=len)


def meets(known: Known, condition: Condition) -> bool:
    """Whether a condition holds, or may hold as far as is known."""
    return all(fact not in known or known[fact] in labels for fact, labels in condition.items())


def _hull(cases: Sequence[Case]) -> Condition:
    everywhere = [fact for fact in cases[0].known if all(fact in case.known for case in cases)]
    return {fact: frozenset(case.known[fact] for case in cases) for fact in everywhere}


def _shortened(condition: Condition, others: Sequence[Case]) -> Condition:
    """Without the facts that are not needed; what was looked at last goes first."""
    for fact in reversed(list(condition)):
        shorter = {name: labels for name, labels in condition.items() if name != fact}
        if not any(meets(other.known, shorter) for other in others):
            condition = shorter
    return condition


def _split(fact: str, cases: Sequence[Case], others: Sequence[Case]) -> tuple[Condition, ...]:
    labels = dict.fromkeys(case.known[fact] for case in cases)
    parts = ([case for case in cases if case.known[fact] == label] for label in labels)
    return tuple(condition for part in parts for condition in conditions(part, others))

"""What is kept of an account while its answers go by: counts, and the scores of its sign-ins."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import inf
from typing import Final

from services.device_trust.replay.records import Answer, Event, Label, Outcome, Record

DAY: Final = 86_400.0
"""Seconds."""
MONTH: Final = 30.44 * DAY
"""Seconds: a twelfth of a year."""
LONGEST: Final = 365
"""Days for which an outsider is followed."""
UNKNOWN_FAMILY: Final = "unknown"
"""The family of those whom only a label names, as in a log from outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attacker:
    """The first sign-in of a thief's device. The score of an unscored one is infinite: it counts as asked."""

    score: float
    asked: bool
    very_targeted: bool


@dataclass(kw_only=True, slots=True)
class Episodes:
    """How often a household was bothered, where a device's repeated tries are one time.

    A further try belongs to the episode while the device was not let in since, or within 24 h of the episode's first.
    """

    count: int = 0
    _begun: dict[str, float] = field(default_factory=dict)
    _let_in: set[str] = field(default_factory=set)

    def bother(self, device_id: str, at: float) -> None:
        """A device was asked, or refused, at a time in seconds."""
        begun = self._begun.get(device_id)
        if begun is None or (device_id in self._let_in and at - begun >= DAY):
            self.count += 1
            self._begun[device_id] = at
        self._let_in.discard(device_id)

    def let_in(self, device_id: str) -> None:
        """A device was allowed."""
        if device_id in self._begun:
            self._let_in.add(device_id)


@dataclass(kw_only=True, slots=True)
class OutsiderTally:
    """What one family of outsiders got on an account."""

    first_starts: dict[int, float] = field(default_factory=dict)
    """By UTC day: the first allowed start, in days after the account's first outsider."""
    asked: bool = False
    refused: bool = False

    def add(self, answer: Answer, day: int, offset: float) -> None:
        """Take in an answer on a UTC day, so many days after the account's first outsider."""
        self.asked |= answer.outcome is Outcome.VERIFICATION_REQUIRED
        self.refused |= answer.outcome is Outcome.DENIED
        if answer.event is Event.START and answer.outcome.allows and offset < LONGEST:
            self.first_starts.setdefault(day, offset)


@dataclass(kw_only=True, slots=True)
class AccountTally:
    """All that is kept of an account. Times are seconds since 1970."""

    first: float
    last: float
    persona: str | None = None
    records: int = 0
    sign_ins: int = 0
    household: bool = False
    """Whether any answer was known to be the household's."""
    scores: array[float] = field(default_factory=lambda: array("d"))
    """The thief scores of the household's sign-ins in their order; infinite where unscored."""
    attackers: dict[str, Attacker] = field(default_factory=dict)
    asked: Episodes = field(default_factory=Episodes)
    refused: Episodes = field(default_factory=Episodes)
    first_outsider: float | None = None
    outsiders: dict[str, OutsiderTally] = field(default_factory=dict)

    @property
    def months(self) -> float:
        """Months observed, at least a day."""
        return max(self.last - self.first, DAY) / MONTH

    def add(self, record: Record, answer: Answer, at: float, actor: str | None, *, very_targeted: bool) -> None:
        """Take in an answered record at a time in seconds."""
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.records += 1
        self.sign_ins += record.event is Event.SIGN_IN
        match record.label:
            case Label.HOUSEHOLD:
                self._add_household(answer, at)
            case Label.OUTSIDER:
                self._add_outsider(answer, at, actor or UNKNOWN_FAMILY)
            case Label.THIEF if record.event is Event.SIGN_IN and record.device_id not in self.attackers:
                asked = not answer.outcome.allows
                attacker = Attacker(score=_score(answer), asked=asked, very_targeted=very_targeted)
                self.attackers[record.device_id] = attacker

    def _add_household(self, answer: Answer, at: float) -> None:
        self.household = True
        if answer.event is Event.SIGN_IN:
            self.scores.append(_score(answer))
        match answer.outcome:
            case Outcome.VERIFICATION_REQUIRED:
                self.asked.bother(answer.device_id, at)
            case Outcome.DENIED:
                self.refused.bother(answer.device_id, at)
            case _:
                self.asked.let_in(answer.device_id)
                self.refused.let_in(answer.device_id)

    def _add_outsider(self, answer: Answer, at: float, family: str) -> None:
        if self.first_outsider is None:
            self.first_outsider = at
        tally = self.outsiders.setdefault(family, OutsiderTally())
        tally.add(answer, int(at // DAY), (at - self.first_outsider) / DAY)


def _score(answer: Answer) -> float:
    return inf if answer.scores.thief is None else answer.scores.thief

"""What a world outside tells the engine, and what the engine answers: the lines of `hearthgate replay`, as records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.device_trust.domain.records import Standing


class Event(StrEnum):
    """What a device did. A line's answer is given for SIGN_IN and START alone."""

    SIGN_IN = "sign_in"
    START = "start"
    HEARTBEAT = "heartbeat"
    STOP = "stop"
    CODE_PASSED = "code_passed"
    CODE_FAILED = "code_failed"
    DEFERRED = "deferred"


ANSWERED = frozenset({Event.SIGN_IN, Event.START})


class Label(StrEnum):
    """Who was behind a line, where that is known."""

    HOUSEHOLD = "household"
    OUTSIDER = "outsider"
    THIEF = "thief"


class Outcome(StrEnum):
    """Whether a stream may start."""

    ALLOWED = "ALLOWED"
    ALLOWED_UNTIL = "ALLOWED_UNTIL"
    VERIFICATION_REQUIRED = "VERIFICATION_REQUIRED"
    DENIED = "DENIED"

    @property
    def allows(self) -> bool:
        """Whether it lets the device go on."""
        return self in (Outcome.ALLOWED, Outcome.ALLOWED_UNTIL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One line of a log: a device of an account did something at an address.

    ``device_kind`` and ``device_platform`` are the contract's names without their prefixes (``TV``, ``ANDROID_TV``).
    """

    time: datetime
    account: str
    device_id: str
    device_kind: str
    device_platform: str
    ip: str
    event: Event
    asn: int | None = None
    country: str | None = None
    profile: str | None = None
    label: Label | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerScores:
    """How likely each explanation is, 0 to 1; None is unscored, never low."""

    household: float | None = None
    outsider: float | None = None
    thief: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the engine says to a SIGN_IN or a START."""

    time: datetime
    account: str
    device_id: str
    event: Event
    outcome: Outcome
    standing: Standing
    scores: AnswerScores
    can_defer: bool
    can_use_code: bool
    reasons: tuple[str, ...] = ()


class Judge(Protocol):
    """Anything that answers records in the order of their time: the engine, or a baseline beside it."""

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START."""
        ...

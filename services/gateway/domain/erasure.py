"""The end of an account, as a list of steps that can each be repeated.

The services that are told of an account by others come first, and are asked a second time when whatever was under way
is over. Identity, which knows the contacts that they need, comes after them, and the gateway's own rows come last: once
when nobody can sign in any more, and once more when whoever had been looked up before that has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.gateway.domain.records import AccountState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class ErasureState(StrEnum):
    """Where an erasure stands; the names of the contract."""

    CLOSING = "CLOSING"
    WAITING = "WAITING"
    ERASING = "ERASING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class Step(StrEnum):
    """What is to be done next."""

    CLOSE = "close"
    NOTIFY = "notify"
    WAIT = "wait"
    CHALLENGE = "challenge"
    DEVICE_TRUST = "device_trust"
    DOWNLOAD_PLANNING = "download_planning"
    SETTLE = "settle"
    CHALLENGE_AGAIN = "challenge_again"
    DEVICE_TRUST_AGAIN = "device_trust_again"
    DOWNLOAD_PLANNING_AGAIN = "download_planning_again"
    IDENTITY = "identity"
    GATEWAY = "gateway"
    SETTLE_AGAIN = "settle_again"
    GATEWAY_AGAIN = "gateway_again"
    REOPEN = "reopen"
    OVER = ""


STEPS: Final = (
    *(Step.CLOSE, Step.NOTIFY, Step.WAIT),
    *(Step.CHALLENGE, Step.DEVICE_TRUST, Step.DOWNLOAD_PLANNING, Step.SETTLE),
    *(Step.CHALLENGE_AGAIN, Step.DEVICE_TRUST_AGAIN, Step.DOWNLOAD_PLANNING_AGAIN),
    *(Step.IDENTITY, Step.GATEWAY, Step.SETTLE_AGAIN, Step.GATEWAY_AGAIN, Step.OVER),
)
"""In order. Both kinds of settling do nothing: what follows them is due later. So is what follows WAIT, which looks
whether the account is still closed."""

LEAVES: Final[Mapping[Step, str]] = {
    Step.CHALLENGE: "challenge",
    Step.DEVICE_TRUST: "device_trust",
    Step.DOWNLOAD_PLANNING: "download_planning",
    Step.CHALLENGE_AGAIN: "challenge",
    Step.DEVICE_TRUST_AGAIN: "device_trust",
    Step.DOWNLOAD_PLANNING_AGAIN: "download_planning",
    Step.IDENTITY: "identity",
}
"""The service that a step asks to delete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasurePolicy:
    """``grace``: how long an owner may think better of it. ``settle``: when all that was under way at the closing of
    the account is over, longer than any call's deadline. ``lease``: how long one worker has an erasure to itself.
    """

    grace: timedelta
    settle: timedelta
    max_attempts: int
    lease: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """An erasure as it is kept; ``account_id`` and ``request_id`` are None when it is done.

    ``fence`` grows with whoever takes it in hand: who comes with an earlier one changes nothing, here or in identity.
    """

    erasure_id: UUID
    account_id: UUID | None
    request_id: UUID | None
    requester: str
    state: ErasureState
    step: Step
    state_before: AccountState
    attempt_count: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    request_time: datetime
    erase_time: datetime
    due_time: datetime | None
    done_time: datetime | None = None
    fence: int = 0

    @property
    def can_be_cancelled(self) -> bool:
        """Whether nothing was deleted yet."""
        return self.state in (ErasureState.CLOSING, ErasureState.WAITING)


def next_step(step: Step) -> Step:
    """The step after a step."""
    if step is Step.REOPEN:
        return Step.OVER
    return STEPS[STEPS.index(step) + 1]


def state_at(step: Step) -> ErasureState:
    """The state of an erasure whose next step it is."""
    match step:
        case Step.CLOSE | Step.NOTIFY:
            return ErasureState.CLOSING
        case Step.WAIT:
            return ErasureState.WAITING
        case Step.REOPEN:
            return ErasureState.CANCELLED
        case Step.OVER:
            return ErasureState.DONE
    return ErasureState.ERASING


def due_at(erasure: Erasure, step: Step, now: datetime, policy: ErasurePolicy) -> datetime | None:
    """When a step is due that has just become the next one; None when it is over."""
    match step:
        case Step.WAIT:
            return max(erasure.erase_time, now)
        case Step.SETTLE | Step.SETTLE_AGAIN:
            return now + policy.settle
        case Step.OVER:
            return None
    return now


def first_fence(now: datetime) -> int:
    """The first fence of an erasure: microseconds since 1970, beyond those of one whose receipt was lost."""
    return (now - _EPOCH) // timedelta(microseconds=1)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failures of a step in a row: 5 s, doubled up to an hour. Ours."""
    doubled: timedelta = _FIRST_PAUSE * (1 << min(attempts - 1, 20))
    return min(doubled, _LONGEST_PAUSE)

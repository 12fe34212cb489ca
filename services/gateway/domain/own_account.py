"""An own account as a saga: which step follows which, when it may be undone, when it is tried again. Pure.

Every step is one call to a leaf (or one transaction here) that may be repeated. A step is done first and recorded
after, so a crash in between repeats it. Whoever drives a saga may be overtaken by another driver: what is recorded is
compared with what was read, and only one of them records.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, invalid_field
from services.gateway.domain.records import Profile


class OwnAccountState(StrEnum):
    """Where an own account stands. WAITING: its code was not redeemed yet."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


class Step(StrEnum):
    """What is to be done next."""

    PROVE = "PROVE"
    ACTIVATE = "ACTIVATE"
    CONFIRM = "CONFIRM"
    MOVE_PROFILE = "MOVE_PROFILE"
    LEAVE = "LEAVE"
    MOVE_HISTORY = "MOVE_HISTORY"
    TELL = "TELL"
    RETURN_PROFILE = "RETURN_PROFILE"
    END_STREAMS = "END_STREAMS"
    RETURN_HISTORY = "RETURN_HISTORY"
    LET_BACK = "LET_BACK"
    TELL_BACK = "TELL_BACK"


class Side(StrEnum):
    """Who had it undone: the account that was left, the new one, or nobody, as the profile could not leave."""

    SOURCE = "SOURCE"
    TARGET = "TARGET"
    NOBODY = "NOBODY"


FORWARD: Final = (Step.ACTIVATE, Step.CONFIRM, Step.MOVE_PROFILE, Step.LEAVE, Step.MOVE_HISTORY, Step.TELL)
"""The account first, so that it stands by itself; history after the profile, when nobody can add to it any more."""
BACKWARD: Final = (Step.RETURN_PROFILE, Step.END_STREAMS, Step.RETURN_HISTORY, Step.LET_BACK, Step.TELL_BACK)
OWNERS_NAME: Final = "Owner"
"""What the owner's profile beside a kids' one is called where nothing was told."""
UNDER_WAY: Final = frozenset({OwnAccountState.RUNNING, OwnAccountState.UNDOING})
_REFUSALS: Final = frozenset({ErrorReason.NOT_FOUND, ErrorReason.STATE_CONFLICT})


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAccountPolicy:
    """How long an own account may be undone, and how a worker goes about what was left lying.

    ``undo_window``: ours, as long as EU consumers have to withdraw from a contract (2011/83/EU, article 9).
    """

    undo_window: timedelta = timedelta(days=14)
    lease: timedelta = timedelta(seconds=60)
    poll: timedelta = timedelta(seconds=5)
    max_attempts: int = 20
    first_delay: timedelta = timedelta(seconds=5)
    longest_delay: timedelta = timedelta(minutes=15)

    def pause(self, attempts: int) -> timedelta:
        """How long to wait after that many attempts at a step: twice as long each time, up to the longest."""
        return min(self.first_delay * (1 << min(max(attempts - 1, 0), 32)), self.longest_delay)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAccount:
    """A viewer who leaves ``account_id`` for ``target_account_id``. ``attempts`` counts those at the step."""

    account_id: UUID
    own_account_id: UUID
    target_account_id: UUID
    profile_id: UUID
    profile_name: str = field(repr=False)
    device_id: str
    challenge_id: UUID
    owner_agreed: bool
    state: OwnAccountState
    step: Step | None
    undone_by: Side | None = None
    client: bytes | None = field(default=None, repr=False)
    attempts: int = 0
    failure: str = ""
    next_try_time: datetime | None = None
    create_time: datetime
    begin_time: datetime | None = None
    done_time: datetime | None = None
    undo_time: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there is something left to do that needs nobody's word."""
        return self.state in UNDER_WAY

    def undo_expire_time(self, policy: OwnAccountPolicy) -> datetime | None:
        """Until when it may be undone; None where it may not."""
        if self.state is not OwnAccountState.DONE or self.done_time is None:
            return None
        return self.done_time + policy.undo_window


def owners_name(moving: Profile, told: str) -> str:
    """The name of the owner's profile that an own account begins with; empty: the profile that moves becomes that.

    A kids' profile owns nothing: without another one nobody could approve a device. Raises INVALID_FIELD.
    """
    if moving.kids:
        return told or OWNERS_NAME
    if told:
        raise invalid_field("profile_name", "must be empty unless a kids' profile moves")
    return ""


def begun(own: OwnAccount, now: datetime, policy: OwnAccountPolicy) -> OwnAccount:
    """The code is redeemed: from here on it is finished, whoever crashes."""
    assert own.state is OwnAccountState.WAITING
    return replace(
        own,
        state=OwnAccountState.RUNNING,
        step=FORWARD[0],
        begin_time=now,
        attempts=1,
        failure="",
        next_try_time=now + policy.lease,
    )


def advanced(own: OwnAccount, now: datetime, policy: OwnAccountPolicy) -> OwnAccount:
    """After its step was done: the next one, or the end."""
    assert own.step is not None
    steps = FORWARD if own.state is OwnAccountState.RUNNING else BACKWARD
    rest = steps[steps.index(own.step) + 1 :]
    if rest:
        return replace(own, step=rest[0], attempts=1, failure="", next_try_time=now + policy.lease)
    over = replace(own, step=None, client=None, attempts=0, failure="", next_try_time=None)
    if own.state is OwnAccountState.RUNNING:
        return replace(over, state=OwnAccountState.DONE, done_time=now)
    return replace(over, state=OwnAccountState.UNDONE)


def is_refused(step: Step, reason: ErrorReason) -> bool:
    """Whether an error means that the profile cannot leave, now or later: then the move is called off."""
    return step in (Step.ACTIVATE, Step.MOVE_PROFILE) and reason in _REFUSALS


def is_stuck(step: Step, reason: ErrorReason) -> bool:
    """Whether a step waits for something that no later attempt brings: the account that was left is closed, so the
    profile has nowhere to go back to. It is not ended in its place: another driver may be bringing the profile back at
    this moment, if the account was opened again.
    """
    return step is Step.RETURN_PROFILE and reason is ErrorReason.STATE_CONFLICT


def called_off(own: OwnAccount, now: datetime, policy: OwnAccountPolicy) -> OwnAccount:
    """The profile cannot leave any more: back, and nobody asked for it."""
    return undone_from(own, Side.NOBODY, own.client, now, policy)


def check_undoable(own: OwnAccount, now: datetime, policy: OwnAccountPolicy) -> bool:
    """Whether its undoing is to be begun; False where it is under way or over already. Raises STATE_CONFLICT."""
    if own.state in (OwnAccountState.UNDOING, OwnAccountState.UNDONE):
        return False
    end = own.undo_expire_time(policy)
    if end is None or end <= now:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"{own.state}, to be undone until {end}")
    return True


def undone_from(
    own: OwnAccount, side: Side, client: bytes | None, now: datetime, policy: OwnAccountPolicy
) -> OwnAccount:
    """The first step of the way back."""
    return replace(
        own,
        state=OwnAccountState.UNDOING,
        step=BACKWARD[0],
        undone_by=side,
        client=client,
        undo_time=now,
        attempts=1,
        failure="",
        next_try_time=now + policy.lease,
    )


def stuck(own: OwnAccount, reason: str) -> OwnAccount:
    """Given up at once; an operator, or either side's repeat, sets it going once it can go on."""
    return replace(own, failure=reason, next_try_time=None)


def failed(own: OwnAccount, reason: str, now: datetime, policy: OwnAccountPolicy) -> OwnAccount:
    """After a step failed: when it is tried again; given up after the last attempt (no next time)."""
    given_up = own.attempts >= policy.max_attempts
    again = None if given_up else now + policy.pause(own.attempts)
    return replace(own, failure=reason, next_try_time=again)

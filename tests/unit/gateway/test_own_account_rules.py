"""The saga of an own account: whatever crashes, is repeated or undone in between, all of it ends in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.own_account import (
    BACKWARD,
    FORWARD,
    OwnAccount,
    OwnAccountPolicy,
    OwnAccountState,
    Side,
    Step,
    advanced,
    begun,
    called_off,
    check_undoable,
    failed,
    is_refused,
    is_stuck,
    stuck,
    undone_from,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = OwnAccountPolicy()
WAITING = OwnAccount(
    account_id=UUID(int=1),
    own_account_id=UUID(int=2),
    target_account_id=UUID(int=3),
    profile_id=UUID(int=4),
    profile_name="Ben",
    device_id="phone",
    challenge_id=UUID(int=5),
    owner_agreed=False,
    state=OwnAccountState.WAITING,
    step=Step.PROVE,
    create_time=NOW,
)


@dataclass
class Leaves:
    """What the leaves know, in as few words as possible. Every step may be repeated."""

    profile: set[str] = field(default_factory=lambda: {"source"})
    history: str = "source"
    open_target: bool = False
    shut_out: bool = False
    notices: set[str] = field(default_factory=set)
    returned: bool = False
    refuses: bool = False
    open_source: bool = True

    def take(self, step: Step, side: Side | None) -> ErrorReason | None:
        """Do a step; why it is refused, where it is."""
        if step is Step.MOVE_PROFILE and "target" not in self.profile and (self.refuses or self.returned):
            return ErrorReason.STATE_CONFLICT
        if step is Step.RETURN_PROFILE and "source" not in self.profile and not self.open_source:
            return ErrorReason.STATE_CONFLICT
        match step:
            case Step.ACTIVATE:
                self.open_target = True
            case Step.MOVE_PROFILE:
                self.profile = {"target"}
            case Step.LEAVE:
                self.shut_out = True
            case Step.MOVE_HISTORY:
                self.history = "target"
            case Step.TELL:
                self.notices.add("made")
            case Step.RETURN_PROFILE:
                self.profile, self.returned = {"source"}, True
                self.open_target = self.open_target and side is not Side.TARGET
            case Step.RETURN_HISTORY:
                self.history = "source"
            case Step.LET_BACK:
                self.shut_out = False
            case Step.TELL_BACK:
                self.notices.add("undone")
        return None


class Saga(RuleBasedStateMachine):
    """Any interleaving of drivers that crash before, amid or after a step, resume, and undo from both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = WAITING
        self.now = NOW
        self.leaves = Leaves()
        self.stale: list[tuple[OwnAccount, ErrorReason | None]] = []

    @initialize(refuses=st.booleans())
    def begin(self, refuses: bool) -> None:
        self.leaves.refuses = refuses
        self.kept = begun(self.kept, self.now, POLICY)

    @rule(minutes=st.integers(1, 60 * 24 * 5))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.kept.is_under_way)
    @rule(crash=st.sampled_from(["no", "amid", "error"]))
    def drive_one_step(self, crash: str) -> None:
        own = self.kept
        assert own.step is not None
        if crash == "error":
            self._keep(own, failed(own, "DEPENDENCY_UNAVAILABLE", self.now, POLICY))
            return
        reason = self.leaves.take(own.step, own.undone_by)
        if crash == "amid":
            return  # Done, and not recorded: the next driver repeats it.
        self._finish(own, reason)

    @precondition(lambda self: self.kept.is_under_way)
    @rule()
    def a_second_driver_reads_and_does_the_step(self) -> None:
        assert self.kept.step is not None
        self.stale.append((self.kept, self.leaves.take(self.kept.step, self.kept.undone_by)))

    @precondition(lambda self: self.stale)
    @rule()
    def the_second_driver_records_late(self) -> None:
        self._finish(*self.stale.pop())

    @rule(is_open=st.booleans())
    def the_source_is_closed_or_opened(self, is_open: bool) -> None:
        self.leaves.open_source = is_open

    @rule(side=st.sampled_from([Side.SOURCE, Side.TARGET]))
    def undo(self, side: Side) -> None:
        own = self.kept
        late = own.done_time is not None and self.now >= own.done_time + POLICY.undo_window
        if own.state is OwnAccountState.RUNNING or (own.state is OwnAccountState.DONE and late):
            with pytest.raises(ServiceError):
                check_undoable(own, self.now, POLICY)
            return
        wanted = check_undoable(own, self.now, POLICY)
        if wanted:
            self._keep(own, undone_from(own, side, None, self.now, POLICY))

    @invariant()
    def a_profile_is_in_exactly_one_account(self) -> None:
        assert len(self.leaves.profile) == 1

    @invariant()
    def what_is_over_is_over_everywhere(self) -> None:
        if self.kept.state is OwnAccountState.DONE:
            assert (self.leaves.profile, self.leaves.history, self.leaves.shut_out) == ({"target"}, "target", True)
        if self.kept.state is OwnAccountState.UNDONE:
            assert (self.leaves.profile, self.leaves.history, self.leaves.shut_out) == ({"source"}, "source", False)

    def teardown(self) -> None:
        """A worker that is not disturbed any more brings it to an end."""
        self.leaves.open_source = True
        for _ in range(len(FORWARD) + len(BACKWARD) + 1):
            if self.kept.is_under_way:
                self.drive_one_step("no")
        assert self.kept.state in (OwnAccountState.DONE, OwnAccountState.UNDONE)
        self.what_is_over_is_over_everywhere()
        assert self.kept.client is None

    def _finish(self, own: OwnAccount, reason: ErrorReason | None) -> None:
        assert own.step is not None
        if reason is not None and is_refused(own.step, reason):
            self._keep(own, called_off(own, self.now, POLICY))
        elif reason is not None:
            assert is_stuck(own.step, reason)
            self._keep(own, stuck(own, reason))
        else:
            self._keep(own, advanced(own, self.now, POLICY))

    def _keep(self, before: OwnAccount, after: OwnAccount) -> None:
        """As the database does: only if nobody was there before."""
        if (self.kept.state, self.kept.step) == (before.state, before.step):
            self.kept = after


TestSaga = Saga.TestCase


@given(st.integers(1, 10_000))
def test_pauses_grow_up_to_the_longest(attempts: int) -> None:
    assert POLICY.first_delay <= POLICY.pause(attempts) <= POLICY.pause(attempts + 1) <= POLICY.longest_delay


def test_a_step_is_given_up_after_the_last_attempt_and_not_before() -> None:
    own = begun(WAITING, NOW, POLICY)
    for attempts in range(1, POLICY.max_attempts):
        assert failed(replace(own, attempts=attempts), "X", NOW, POLICY).next_try_time is not None
    assert failed(replace(own, attempts=POLICY.max_attempts), "X", NOW, POLICY).next_try_time is None


@pytest.mark.parametrize("step", [*FORWARD, *BACKWARD])
def test_only_what_says_that_the_profile_cannot_leave_calls_a_move_off(step: Step) -> None:
    """An outage never does; and the way back is never left."""
    assert not is_refused(step, ErrorReason.DEPENDENCY_UNAVAILABLE)
    assert is_refused(step, ErrorReason.STATE_CONFLICT) == (step in (Step.ACTIVATE, Step.MOVE_PROFILE))


@pytest.mark.parametrize("step", [*FORWARD, *BACKWARD])
def test_only_a_profile_with_nowhere_to_go_back_to_is_given_up_at_once(step: Step) -> None:
    assert is_stuck(step, ErrorReason.STATE_CONFLICT) == (step is Step.RETURN_PROFILE)
    assert not is_stuck(step, ErrorReason.DEPENDENCY_UNAVAILABLE)
    undoing = undone_from(replace(WAITING, state=OwnAccountState.DONE, step=None), Side.SOURCE, b"", NOW, POLICY)
    given_up = stuck(undoing, "STATE_CONFLICT")
    assert (given_up.next_try_time, given_up.failure, given_up.is_under_way) == (None, "STATE_CONFLICT", True)
    assert advanced(given_up, NOW, POLICY).failure == "", "and goes on all the same when it can"


def test_it_can_be_undone_to_the_last_moment_of_fourteen_days() -> None:
    done = replace(WAITING, state=OwnAccountState.DONE, step=None, done_time=NOW)
    assert check_undoable(done, NOW + timedelta(days=14) - timedelta(seconds=1), POLICY)
    with pytest.raises(ServiceError):
        check_undoable(done, NOW + timedelta(days=14), POLICY)
    with pytest.raises(ServiceError):
        check_undoable(WAITING, NOW, POLICY)

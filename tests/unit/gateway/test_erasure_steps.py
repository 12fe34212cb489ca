"""The steps of an erasure: in an order that leaves nothing behind, with pauses that end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.erasure import (
    LEAVES,
    STEPS,
    Erasure,
    ErasurePolicy,
    ErasureState,
    Step,
    due_at,
    next_step,
    pause_after,
    state_at,
)
from services.gateway.domain.records import AccountState

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POLICY = ErasurePolicy(grace=timedelta(days=14), settle=timedelta(minutes=1), max_attempts=100)


def test_the_steps_lead_from_closing_to_the_end_by_way_of_every_service() -> None:
    step, walked = Step.CLOSE, []
    while step is not Step.OVER:
        walked.append(step)
        step = next_step(step)
    assert walked == list(STEPS[:-1])
    asked = [LEAVES[each] for each in walked if each in LEAVES]
    for leaf in ("challenge", "device_trust", "download_planning"):
        assert asked.count(leaf) == 2, "once more when everything that was under way is over"
    assert asked[-1] == "identity", "which knows the contacts that the others need"
    assert walked[-3:] == [Step.GATEWAY, Step.SETTLE_AGAIN, Step.GATEWAY_AGAIN], "its own when nobody can sign in"


def test_nothing_is_deleted_while_it_can_still_be_called_off() -> None:
    for step in STEPS:
        deletes = step in LEAVES or step in (Step.GATEWAY, Step.GATEWAY_AGAIN)
        assert deletes <= (state_at(step) is ErasureState.ERASING)
    assert next_step(Step.REOPEN) is Step.OVER


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_deleting_is_due_on_the_day_and_its_repetition_after_things_have_settled(grace: timedelta) -> None:
    erasure = _erasure(NOW + grace)
    assert due_at(erasure, Step.WAIT, NOW, POLICY) == NOW + grace
    for step in (Step.SETTLE, Step.SETTLE_AGAIN):
        assert due_at(erasure, step, NOW, POLICY) == NOW + POLICY.settle
    assert due_at(erasure, Step.IDENTITY, NOW, POLICY) == NOW
    assert due_at(erasure, Step.OVER, NOW, POLICY) is None


@given(st.integers(min_value=1, max_value=10_000))
def test_pauses_grow_up_to_an_hour(attempts: int) -> None:
    assert timedelta(seconds=5) <= pause_after(attempts) <= pause_after(attempts + 1) <= timedelta(hours=1)


def test_a_hundred_attempts_last_for_days() -> None:
    lasting = sum((pause_after(each) for each in range(1, POLICY.max_attempts)), timedelta())
    assert timedelta(days=3) < lasting < timedelta(days=5)


def _erasure(erase_time: datetime) -> Erasure:
    return Erasure(
        erasure_id=UUID(int=1),
        account_id=UUID(int=2),
        request_id=None,
        requester="OWNER",
        state=ErasureState.CLOSING,
        step=Step.NOTIFY,
        state_before=AccountState.ACTIVE,
        request_time=NOW,
        erase_time=erase_time,
        due_time=NOW,
    )

"""The deadline's budget."""

from __future__ import annotations

from contextvars import copy_context

import pytest

from libs.rpc import deadlines
from libs.runtime.errors import ErrorReason, ServiceError


def test_outside_of_a_call_there_is_no_budget() -> None:
    assert deadlines.remaining() is None
    assert deadlines.outgoing_timeout(3.0) == 3.0


def test_a_call_without_a_deadline_gets_the_default_one() -> None:
    def body() -> None:
        assert deadlines.accept(None, 5.0) == 5.0
        left = deadlines.remaining()
        assert left is not None
        assert 0 < left <= 5.0

    copy_context().run(body)


def test_a_call_passes_on_less_than_it_has() -> None:
    def body() -> None:
        assert deadlines.accept(2.0, 5.0) is None
        assert deadlines.outgoing_timeout(10.0) <= 2.0 - deadlines.RESERVE
        assert deadlines.outgoing_timeout(0.5) == 0.5

    copy_context().run(body)


def test_a_call_with_too_little_time_is_refused() -> None:
    with pytest.raises(ServiceError) as caught:
        copy_context().run(deadlines.accept, 0.019, 5.0)
    assert caught.value.reason is ErrorReason.DEADLINE_TOO_SHORT


def test_no_call_goes_out_when_nothing_is_left() -> None:
    def body() -> None:
        deadlines.accept(deadlines.SHORTEST, 5.0)
        deadlines.outgoing_timeout(1.0)

    with pytest.raises(ServiceError) as caught:
        copy_context().run(body)
    assert caught.value.reason is ErrorReason.DEADLINE_EXCEEDED

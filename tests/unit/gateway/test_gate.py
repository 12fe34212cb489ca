"""The bound on sign-ins under way."""

from __future__ import annotations

import pytest

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.gate import Gate


def test_beyond_its_places_a_call_is_turned_away_with_a_time_to_come_again_and_an_end_makes_room() -> None:
    gate = Gate(2)
    with gate.passed(), gate.passed():
        with pytest.raises(ServiceError) as caught, gate.passed():
            pass
        assert caught.value.reason is ErrorReason.OVERLOADED
        assert caught.value.retry_after
    with pytest.raises(ZeroDivisionError), gate.passed():
        raise ZeroDivisionError
    with gate.passed(), gate.passed():
        pass

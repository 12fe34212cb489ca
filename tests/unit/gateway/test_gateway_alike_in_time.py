"""What waits until known and unknown addresses have taken alike, and what does not."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.use_cases.alike import alike, rejected_alike
from services.gateway.use_cases.context import Context

CONTEXT = cast(Context, SimpleNamespace(alike_seconds=30.0))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    made: list[float] = []

    async def wait(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    return made


async def test_a_rejection_waits_for_what_is_left_of_the_time(waits: list[float]) -> None:
    with pytest.raises(ServiceError):
        async with rejected_alike(CONTEXT):
            raise ServiceError(ErrorReason.CREDENTIALS_REJECTED)
    (wait,) = waits
    assert 0 < wait <= 30


async def test_who_has_the_right_password_waits_for_nothing(waits: list[float]) -> None:
    async with rejected_alike(CONTEXT):
        pass
    assert waits == []


async def test_an_overloaded_service_says_so_at_once(waits: list[float]) -> None:
    with pytest.raises(ServiceError):
        async with rejected_alike(CONTEXT):
            raise ServiceError(ErrorReason.OVERLOADED)
    assert waits == []


@pytest.mark.parametrize("failing", [False, True])
async def test_a_sign_up_waits_whether_or_not_it_works(failing: bool, waits: list[float]) -> None:
    try:
        async with alike(CONTEXT):
            if failing:
                raise ServiceError(ErrorReason.OVERLOADED)
    except ServiceError:
        assert failing
    (wait,) = waits
    assert 0 < wait <= 30

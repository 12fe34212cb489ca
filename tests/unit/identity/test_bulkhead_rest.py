"""A place in the bulkhead that is kept without work: what a refused guess costs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.runtime.errors import ServiceError
from services.identity.bulkhead import Bulkhead


async def test_a_place_at_rest_is_kept_though_its_caller_gives_up_and_is_free_when_the_rest_is_over() -> None:
    bulkhead = Bulkhead("rest", threads=1, waiters=0, retry_after=timedelta(seconds=1))
    resting = asyncio.Event()

    async def rest(duration: timedelta) -> None:
        with bulkhead.place() as place:
            resting.set()
            await place.rest(duration)

    try:
        await rest(timedelta())
        resting.clear()
        gives_up = asyncio.create_task(rest(timedelta(minutes=10)))
        await resting.wait()
        gives_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gives_up
        with pytest.raises(ServiceError), bulkhead.place():
            pass
    finally:
        bulkhead.close()

"""A worker's loop over durable jobs: claim, handle, wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from libs.runtime.logging import get_logger

Job = TypeVar("Job")
_LEAST_ROOM: Final = 4
"""Jobs are claimed when a quarter of the room is free."""
_log = get_logger(__name__)


async def run_worker(
    claim: Callable[[int], Awaitable[Sequence[Job]]],
    handle: Callable[[Job], Awaitable[None]],
    *,
    idle: timedelta,
    wake: asyncio.Event,
    concurrency: int,
) -> None:
    """Claim up to as many jobs as there is room for, handle them side by side, and do so until cancelled.

    ``claim`` takes a limit and returns jobs leased to this worker. With nothing to do it waits for ``wake`` (cleared
    here) or ``idle``, whichever is first. Errors of either function are logged and the loop goes on: a job whose
    handler raised is claimed again when its lease ends, so ``claim`` caps the attempts. On cancellation nothing new is
    claimed, what is under way is finished, and CancelledError is raised; a second cancellation cancels that too.
    """
    running: set[asyncio.Task[None]] = set()
    least_room = max(1, concurrency // _LEAST_ROOM)
    try:
        while True:
            # Claims are worth their round trips when they bring several jobs.
            while concurrency - len(running) < least_room:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            wake.clear()
            jobs = await _claim(claim, concurrency - len(running))
            for job in jobs:
                task = asyncio.create_task(_handle(handle, job))
                running.add(task)
                task.add_done_callback(running.discard)
            if not jobs:
                await _wait(wake, idle)
    finally:
        await _drain(running)


async def _claim(claim: Callable[[int], Awaitable[Sequence[Job]]], limit: int) -> Sequence[Job]:
    try:
        return await claim(limit)
    except Exception:
        _log.exception("jobs not claimed")
        return ()


async def _handle(handle: Callable[[Job], Awaitable[None]], job: Job) -> None:
    try:
        await handle(job)
    except Exception:
        _log.exception("job failed")


async def _wait(wake: asyncio.Event, idle: timedelta) -> None:
    try:
        async with asyncio.timeout(idle.total_seconds()):
            await wake.wait()
    except TimeoutError:
        return


async def _drain(running: set[asyncio.Task[None]]) -> None:
    if not running:
        return
    try:
        # wait() leaves its tasks alone when it is cancelled itself.
        await asyncio.wait(running)
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        raise

"""Tells device_trust what was seen, beside the answer rather than before it.

The queue is bounded: when device_trust is away for long, the oldest sightings are dropped and counted. A lost sighting
costs a little knowledge, never a decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.gateway.clients.device_trust import Sighting
from services.gateway.metrics import count_dropped_sightings

_CAPACITY: Final = 10_000
_BATCH: Final = 500
_PAUSE_SECONDS: Final = 1.0
_FLUSH_SECONDS: Final = 2.0
_log = get_logger(__name__)

Send = Callable[[Sequence[Sighting]], Awaitable[None]]


class SightingRecorder:
    """A bounded queue of sightings and the task that empties it in batches."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: asyncio.Queue[Sighting] = asyncio.Queue(maxsize=_CAPACITY)

    @classmethod
    @asynccontextmanager
    async def running(cls, send: Send) -> AsyncIterator[SightingRecorder]:
        """A recorder whose task runs until the block ends, and then has two seconds to empty its queue."""
        recorder = cls(send)
        task = asyncio.create_task(recorder._run(), name="sightings")
        try:
            yield recorder
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await recorder._queue.join()
            task.cancel()
            await asyncio.wait([task])

    def record(self, sighting: Sighting) -> None:
        """Take a sighting; never waits."""
        if self._queue.full():
            self._queue.get_nowait()
            self._queue.task_done()
            count_dropped_sightings(1)
            _log.warning("sighting dropped")
        self._queue.put_nowait(sighting)

    async def _run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._deliver(batch)

    async def _deliver(self, batch: Sequence[Sighting]) -> None:
        try:
            await self._send(batch)
        except ServiceError as error:
            # Given up rather than kept: behind the bound, newer ones matter more than these.
            count_dropped_sightings(len(batch))
            _log.warning("sightings not recorded", count=len(batch), reason=str(error.reason))
            await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            for _ in batch:
                self._queue.task_done()

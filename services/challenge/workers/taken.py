"""Marks that messages were taken by their providers, several in one statement where they come together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from libs.persistence.database import Executor
from libs.runtime.clock import Clock
from services.challenge.storage.deliveries import DeliveryStore, TakenDelivery
from services.challenge.storage.suppressions import SuppressionStore

_MOST: Final = 64


@dataclass(slots=True, eq=False)
class _Entry:
    taken: TakenDelivery
    done: bool = False
    error: Exception | None = None


class TakenMarks:
    """A group commit: whoever comes while a batch is written goes with the next one, and nobody waits for a timer.

    What waits is bounded by how many messages are under way.
    """

    def __init__(self, database: Executor, clock: Clock) -> None:
        self._deliveries = DeliveryStore(database)
        self._suppressions = SuppressionStore(database)
        self._clock = clock
        self._waiting: list[_Entry] = []
        self._writing = asyncio.Lock()

    async def mark(self, taken: TakenDelivery) -> None:
        """Return when it is durable. Raises ServiceError where it is not: the message will be sent once more."""
        entry = _Entry(taken)
        self._waiting.append(entry)
        try:
            async with self._writing:
                while not entry.done:
                    await self._write_batch()
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
        if entry.error is not None:
            raise entry.error

    async def _write_batch(self) -> None:
        batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            await self._write([each.taken for each in batch])
        except Exception as error:
            for entry in batch:
                entry.error = error
        except BaseException:
            # Whoever writes was cancelled; the others' marks are for the next one.
            self._waiting = batch + self._waiting
            raise
        for entry in batch:
            entry.done = True

    async def _write(self, taken: list[TakenDelivery]) -> None:
        await self._deliveries.mark_accepted(taken, self._clock.now())
        await self._suppressions.heal([each.destination_hash for each in taken])

"""The database's time, known here without asking each time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from libs.persistence.database import Executor
from libs.runtime.clock import Clock, SystemClock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger

_NOW_SQL: Final = "/* clock.now: the database's present moment */ select clock_timestamp()"
_SAMPLES: Final = 3
_INTERVAL_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 1.0
_MAX_UNCERTAINTY: Final = timedelta(milliseconds=500)
_LOGGED_SKEW: Final = timedelta(milliseconds=500)
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The database's time at a moment of this machine's monotonic clock, and how far off it may be."""

    database_time: datetime
    monotonic: float
    uncertainty: timedelta

    def at(self, monotonic: float) -> datetime:
        """The database's time at another moment of the monotonic clock (seconds)."""
        return self.database_time + timedelta(seconds=monotonic - self.monotonic)


class DatabaseClock:
    """A clock that tells the database's time: its offset to monotonic time, measured at start and every 30 s.

    A reading whose round trip leaves more than 500 ms of doubt is not used. Until the database has answered once, the
    fallback (this machine's clock) is told.
    """

    def __init__(
        self,
        database: Executor,
        *,
        fallback: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fallback = fallback or SystemClock()
        self._monotonic = monotonic
        self._reading: Reading | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Executor) -> AsyncIterator[DatabaseClock]:
        """A clock that has tried to measure once and is kept right in the background until the block ends."""
        clock = cls(database)
        await clock.measure()
        task = asyncio.create_task(clock.run(), name="database-clock")
        try:
            yield clock
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def now(self) -> datetime:
        """The database's present moment, aware and in UTC."""
        if self._reading is None:
            return self._fallback.now()
        return self._reading.at(self._monotonic())

    async def run(self) -> None:
        """Measure every 30 s, and every second until the first success. Ends by cancellation only."""
        while True:
            await asyncio.sleep(_RETRY_SECONDS if self._reading is None else _INTERVAL_SECONDS)
            await self.measure()

    async def measure(self) -> bool:
        """Take the best of three readings; False where the database did not answer, or too slowly to be of use."""
        try:
            readings = [await self._read() for _ in range(_SAMPLES)]
        except ServiceError as error:
            _log.warning("database time not read", reason=error.reason, known=self._reading is not None)
            return False
        best = min(readings, key=lambda reading: reading.uncertainty)
        if best.uncertainty > _MAX_UNCERTAINTY:
            _log.warning("database time too uncertain", uncertainty_ms=_milliseconds(best.uncertainty))
            return False
        self._log_skew(best)
        self._reading = best
        return True

    async def _read(self) -> Reading:
        before = self._monotonic()
        moment: datetime = await self._database.fetch_value(_NOW_SQL)
        after = self._monotonic()
        half = (after - before) / 2
        return Reading(
            database_time=moment.astimezone(UTC), monotonic=before + half, uncertainty=timedelta(seconds=half)
        )

    def _log_skew(self, reading: Reading) -> None:
        known = self._fallback.now() if self._reading is None else self._reading.at(self._monotonic())
        skew = reading.at(self._monotonic()) - known
        if abs(skew) > _LOGGED_SKEW:
            against = "machine" if self._reading is None else "earlier reading"
            _log.warning("database time differs", skew_ms=_milliseconds(skew), against=against)


def _milliseconds(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)

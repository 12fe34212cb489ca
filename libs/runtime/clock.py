"""Where the time comes from: an argument, never a global."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

_FAKE_START: Final = datetime(2030, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        ...


class SystemClock:
    """This machine's clock. Expiry is decided by the database's: see ``libs.persistence.clock``."""

    def now(self) -> datetime:
        """The present moment as this machine sees it."""
        return datetime.now(UTC)


class FakeClock:
    """A clock for tests that stands still until it is advanced."""

    def __init__(self, start: datetime = _FAKE_START) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware datetime")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The moment at which the clock was last set."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move the clock by a duration (a negative one sets it back) and return the new moment."""
        self._now += by
        return self._now

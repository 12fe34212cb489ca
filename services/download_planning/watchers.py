"""Who waits in this process for a device's next plan."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from services.download_planning.domain.devices import DeviceKey

_RETRY_AFTER: Final = timedelta(seconds=5)


class PlanWatchers:
    """Wakes those who watch a device when this process changes its plan; other processes' changes are polled for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._events: dict[DeviceKey, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watching(self, key: DeviceKey) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the device's plan. OVERLOADED beyond the limit of watchers."""
        if self._count >= self._limit:
            raise ServiceError(ErrorReason.OVERLOADED, detail="too many watchers", retry_after=_RETRY_AFTER)
        event = asyncio.Event()
        self._count += 1
        self._events[key].add(event)
        try:
            yield event
        finally:
            self._count -= 1
            self._events[key].discard(event)
            if not self._events[key]:
                del self._events[key]

    def wake(self, key: DeviceKey) -> None:
        """The device's plan has changed."""
        for event in self._events.get(key, ()):
            event.set()

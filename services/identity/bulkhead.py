"""A few threads and a short queue for slow work, so that a flood of it is shed and leaves the rest alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from libs.runtime.errors import ErrorReason, ServiceError

T = TypeVar("T")


class Place:
    """A place in a bulkhead; it is held until the work done in it has ended, whoever gave up waiting."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self.work: Future[Any] | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """The result of ``work``, which blocks a thread and not the event loop. One at a time."""
        future = self._executor.submit(work)
        self.work = future
        return await asyncio.wrap_future(future)

    async def rest(self, duration: timedelta) -> None:
        """Keep the place for so long, without a thread, also where the caller gives up waiting."""
        future: Future[None] = Future()
        # As if it were at work: a caller who gives up does not end it.
        future.set_running_or_notify_cancel()
        self.work = future
        asyncio.get_running_loop().call_later(duration.total_seconds(), future.set_result, None)
        await asyncio.wrap_future(future)


class Bulkhead:
    """At most ``threads`` at work and ``waiters`` waiting; close it at the end."""

    def __init__(self, name: str, *, threads: int, waiters: int, retry_after: timedelta) -> None:
        self._name: Final = name
        self._retry_after = retry_after
        self._capacity: Final = threads + waiters
        self._spare_below: Final = threads + waiters // 2
        self._taken = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    @contextmanager
    def place(self, *, spare: bool = False) -> Iterator[Place]:
        """A place for the block. Raises OVERLOADED at once where there is none.

        ``spare`` is for what can be left undone: it is refused from the moment at which half of the waiters are there.
        """
        self._take(self._spare_below if spare else self._capacity)
        place = Place(self._executor)
        try:
            yield place
        finally:
            # The place is free when the thread is, which a cancelled caller does not wait for.
            if place.work is None:
                self._free()
            else:
                place.work.add_done_callback(self._free)

    async def run(self, work: Callable[[], T], *, spare: bool = False) -> T:
        """The result of ``work``, in a place of its own. Raises OVERLOADED."""
        with self.place(spare=spare) as place:
            return await place.run(work)

    def close(self) -> None:
        """Let work under way end and drop what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _take(self, limit: int) -> None:
        with self._lock:
            if self._taken < limit:
                self._taken += 1
                return
        raise ServiceError(
            ErrorReason.OVERLOADED, detail=f"too much work for {self._name}", retry_after=self._retry_after
        )

    def _free(self, _: object = None) -> None:
        with self._lock:
            self._taken -= 1

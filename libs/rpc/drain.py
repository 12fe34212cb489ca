"""Drain: how the streams of a server that stops end early, so that the rest can finish in peace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final

from libs.runtime.errors import ErrorReason, ServiceError

_RETRY_AFTER: Final = timedelta(milliseconds=100)
_DRAINING: ContextVar[asyncio.Event | None] = ContextVar("hearthgate_draining", default=None)


class Drain:
    """The state of a server's stopping. ``begun`` is set once, when its streams have to end."""

    def __init__(self) -> None:
        self.begun: Final = asyncio.Event()
        self._waiting: set[asyncio.Task[Any]] = set()

    def enter_call(self) -> None:
        """Make :func:`draining` known to the call under way."""
        _DRAINING.set(self.begun)

    def begin(self) -> None:
        """End the streams: each that waits for its next message is woken, the others end after this one."""
        if self.begun.is_set():
            return
        self.begun.set()
        for task in self._waiting:
            task.cancel()

    async def next_of(self, messages: AsyncIterator[Any]) -> Any:
        """The stream's next message. Raises StopAsyncIteration at its end and DRAINING once draining has begun."""
        if self.begun.is_set():
            raise draining_error()
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await anext(messages)
        except asyncio.CancelledError:
            # Ours, unless somebody else wants the task ended as well (its client left).
            if self.begun.is_set() and task.uncancel() == 0:
                raise draining_error() from None
            raise
        finally:
            self._waiting.discard(task)


def draining() -> asyncio.Event:
    """The event that is set when the server of the call under way begins to drain; outside of a call, never.

    A handler's response stream is ended by the server itself; this is for handlers with work of their own to stop.
    """
    return _DRAINING.get() or asyncio.Event()


def draining_error() -> ServiceError:
    """The answer of an instance that is stopping: UNAVAILABLE, and worth a retry very soon."""
    return ServiceError(ErrorReason.DRAINING, detail="the server is draining", retry_after=_RETRY_AFTER)

"""Work that is done after an answer: bounded while the service runs, and awaited before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

MOST: Final = 16
"""At once; ours. What is beyond is left undone: the next sign-in finds the same hash again."""


class AfterAnswers:
    """Tasks that nobody waits for. ``finish`` waits for all of them."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, work: Coroutine[Any, Any, object]) -> bool:
        """Begin ``work``, which must not raise; False, and it is left undone, where there is too much of it."""
        if len(self._tasks) >= self._most:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def finish(self) -> None:
        """Return when everything that was begun has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

"""What a local server got: kept within bounds, and awaited by those who need it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_CAPACITY: Final = 1000

T = TypeVar("T")


class Arrivals(Generic[T]):
    """The last ``capacity`` things that arrived, and a wait for those that have not yet."""

    def __init__(self, kind: str, *, capacity: int = _CAPACITY) -> None:
        self._kind = kind
        self._kept: deque[tuple[int, T]] = deque(maxlen=capacity)
        self._changed = asyncio.Condition()
        self.position = 0

    def kept(self) -> tuple[T, ...]:
        """What is kept, oldest first."""
        return tuple(item for _, item in self._kept)

    def clear(self) -> None:
        """Forget what is kept; positions go on counting."""
        self._kept.clear()

    async def add(self, make: Callable[[int], T]) -> T:
        """Keep what ``make`` builds of its position, and wake who waits."""
        async with self._changed:
            self.position += 1
            item = make(self.position)
            self._kept.append((self.position, item))
            self._changed.notify_all()
        return item

    async def wait_for(self, matches: Callable[[T], bool], *, since: int, timeout: float, looked_for: str) -> T:
        """The first match after position ``since``; ``TimeoutError`` saying what was looked for after ``timeout`` s."""
        try:
            async with asyncio.timeout(timeout), self._changed:
                while (found := self._find(matches, since)) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            arrived = self.position - since
            raise TimeoutError(f"no {self._kind} {looked_for} within {timeout:g} s; {arrived} others arrived") from None

    def _find(self, matches: Callable[[T], bool], since: int) -> T | None:
        return next((item for position, item in self._kept if position > since and matches(item)), None)

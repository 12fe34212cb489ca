"""A sink for receipts that tests can await."""

from __future__ import annotations

import asyncio

from services.challenge.delivery.port import Receipt


class KeptReceipts:
    """Keeps what it takes; raises ``failing`` times before it takes anything."""

    def __init__(self, *, failing: int = 0) -> None:
        self.kept: list[Receipt] = []
        self.refused = 0
        self._failing = failing
        self._changed = asyncio.Condition()

    async def __call__(self, receipt: Receipt) -> None:
        async with self._changed:
            if self.refused < self._failing:
                self.refused += 1
                self._changed.notify_all()
                raise RuntimeError("their words and +4915112345678")
            self.kept.append(receipt)
            self._changed.notify_all()

    async def wait_for(self, count: int) -> list[Receipt]:
        """What is kept, once it is ``count``."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.kept) >= count)
        return self.kept

    async def wait_for_refusals(self, count: int) -> None:
        """Return once it raised ``count`` times."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self.refused >= count)

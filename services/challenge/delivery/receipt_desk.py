"""Receipts on their way from a provider's connection to the sink: a bounded queue, and repeats where the sink fails."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from libs.runtime.logging import get_logger
from services.challenge.delivery.port import Receipt, ReceiptSink

_CLOSE_SECONDS: Final = 5.0
_log = get_logger(__name__)


class ReceiptDesk:
    """Hands receipts to ``sink``, ``workers`` at once; at most ``capacity`` wait, and ``hand_in`` waits for room.

    A sink that raises gets the same receipt again, ``attempts`` times in all, with pauses that double from
    ``first_pause`` seconds. The provider cannot be made to repeat it, so one that fails to the end is logged as lost.
    """

    def __init__(
        self,
        sink: ReceiptSink,
        *,
        capacity: int = 256,
        workers: int = 4,
        attempts: int = 6,
        first_pause: float = 0.25,
    ) -> None:
        self._sink = sink
        self._worker_count = workers
        self._attempts = attempts
        self._first_pause = first_pause
        self._queue: asyncio.Queue[Receipt] = asyncio.Queue(capacity)
        self._workers: list[asyncio.Task[None]] = []
        self._open = 0

    async def hand_in(self, receipt: Receipt) -> None:
        """Take a receipt, once there is room for it."""
        if not self._workers:
            self._workers = [asyncio.create_task(self._work(), name="receipt desk") for _ in range(self._worker_count)]
        self._open += 1
        await self._queue.put(receipt)

    async def close(self) -> None:
        """Give what waits a few seconds to get through, and log how much did not."""
        if not self._workers:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._queue.join()
        for worker in self._workers:
            worker.cancel()
        await asyncio.wait(self._workers)
        self._workers = []
        if self._open:
            _log.error("receipts_lost", count=self._open, cause="closed")

    async def _work(self) -> None:
        while True:
            receipt = await self._queue.get()
            await self._hand_on(receipt)
            self._open -= 1
            self._queue.task_done()

    async def _hand_on(self, receipt: Receipt) -> None:
        pause = self._first_pause
        for attempt in range(1, self._attempts + 1):
            try:
                await self._sink(receipt)
            except Exception as error:  # Whatever a sink raises, the next receipt is not to suffer.
                _log.warning(
                    "receipt_not_taken", provider=receipt.provider, attempt=attempt, error=type(error).__name__
                )
            else:
                return
            if attempt < self._attempts:
                await asyncio.sleep(pause)
                pause *= 2
        _log.error("receipts_lost", count=1, provider=receipt.provider, cause="refused")

"""Streams that end with the right to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar
from uuid import UUID

from services.gateway.epochs import EpochWatch
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context

Message = TypeVar("Message")


async def while_permitted(
    context: Context,
    account_id: UUID,
    epoch: int,
    messages: AsyncGenerator[Message],
    look: Callable[[], Awaitable[object]],
) -> AsyncGenerator[Message]:
    """The messages, until ``look`` raises: it is asked whenever something was revoked on the account since ``epoch``,
    which is to be read before the caller looked first. Raises what it does, and STORAGE_UNAVAILABLE where it cannot be
    known whether anything was.
    """
    with context.epochs.watched(account_id, epoch) as watch:
        async with aclosing(messages):
            coming = asyncio.ensure_future(_next(messages))
            try:
                while True:
                    await _first(coming, watch)
                    if watch.stirred.is_set():
                        await _look_again(context, watch, look)
                    if coming.done():
                        message = coming.result()
                        if message is None:
                            return
                        coming = asyncio.ensure_future(_next(messages))
                        yield message
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


async def _next(messages: AsyncGenerator[Message]) -> Message | None:
    return await anext(messages, None)


async def _first(coming: asyncio.Future[Message | None], watch: EpochWatch) -> None:
    """Return when there is a message, or something to look at."""
    stirred = asyncio.ensure_future(watch.stirred.wait())
    try:
        await asyncio.wait((coming, stirred), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stirred.cancel()


async def _look_again(context: Context, watch: EpochWatch, look: Callable[[], Awaitable[object]]) -> None:
    watch.stirred.clear()
    epoch = await leases.find_epoch(context.database, watch.account_id)
    if epoch != watch.epoch:
        watch.epoch = epoch
        await look()

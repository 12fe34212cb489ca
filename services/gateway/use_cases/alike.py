"""Answers that take as long for addresses with an account as for those without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.use_cases.context import Context


@asynccontextmanager
async def alike(context: Context) -> AsyncIterator[None]:
    """Let the block take as long for known as for unknown addresses: it ends no sooner than the set time."""
    end = _end(context)
    try:
        yield
    finally:
        await _until(end)


@asynccontextmanager
async def rejected_alike(context: Context) -> AsyncIterator[None]:
    """The same for a rejection alone: who has the right password has nothing to learn, and does not wait."""
    end = _end(context)
    try:
        yield
    except ServiceError as error:
        if error.reason is ErrorReason.CREDENTIALS_REJECTED:
            await _until(end)
        raise


def _end(context: Context) -> float:
    return asyncio.get_running_loop().time() + context.alike_seconds


async def _until(end: float) -> None:
    await asyncio.sleep(max(0.0, end - asyncio.get_running_loop().time()))

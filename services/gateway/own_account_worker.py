"""Takes up own accounts, and their undoings, that a gateway which crashed or gave way has left lying."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from libs.persistence.jobs import run_worker
from services.gateway.domain.own_account import OwnAccount
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.own_account_saga import resume

_CONCURRENCY: Final = 4
"""Own accounts driven at once by one process. Ours: they are rare, and each is one call at a time."""


async def run_own_accounts(context: Context) -> None:
    """Claim and drive, until cancelled."""

    async def claim(limit: int) -> Sequence[OwnAccount]:
        return await claim_due(context, limit)

    async def handle(own: OwnAccount) -> None:
        await resume(context, own)

    idle = context.own_accounts.poll
    await run_worker(claim, handle, idle=idle, wake=asyncio.Event(), concurrency=_CONCURRENCY)


async def claim_due(context: Context, limit: int) -> list[OwnAccount]:
    """Up to ``limit`` that no driver holds, leased to this one."""
    now = context.clock.now()
    claimed: list[OwnAccount] = []
    for due in await own_accounts.list_due(context.database, now, limit):
        own = await own_accounts.claim(context.database, due, now + context.own_accounts.lease)
        if own is not None:
            claimed.append(own)
    return claimed

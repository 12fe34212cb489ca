"""The worker that carries erasures on: beside the server, in each replica."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from libs.persistence.jobs import run_worker
from libs.runtime.errors import ServiceError
from services.gateway.domain.erasure import Erasure
from services.gateway.storage import erasures
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.erasing import advance

_AT_ONCE: Final = 4
"""Erasures side by side in a replica: they are in no hurry, and must not slow starts down. Ours."""


async def run_erasures(context: Context, poll: timedelta) -> None:
    """Until cancelled. ``poll``: how often it is looked what is due."""
    await run_worker(
        partial(claim, context),
        partial(carry_on, context),
        idle=poll,
        wake=context.erasure_wake,
        concurrency=_AT_ONCE,
    )


async def claim(context: Context, limit: int) -> Sequence[Erasure]:
    """Erasures that are due, leased to this worker: one that dies is followed by another when the lease ends."""
    now = context.clock.now()
    return await erasures.claim_due(context.database, limit, now=now, lease_time=now + context.erasure_policy.lease)


async def carry_on(context: Context, erasure: Erasure) -> None:
    """Do what is due. A step that failed is noted, logged and counted where it failed."""
    try:
        await advance(context, erasure)
    except ServiceError:
        return

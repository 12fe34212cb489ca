"""Counts how many accounts share each network and provider. No RPC; a task beside the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.device_trust.storage import sql
from services.device_trust.use_cases.context import Context

_WINDOW: Final = timedelta(days=31)
_AT_ONCE: Final = 5_000
_log = get_logger(__name__)


async def run_crowd_counter(context: Context, interval_seconds: float) -> None:
    """Count now and then, for ever; a failure is logged, and the next time is another try."""
    while True:
        try:
            await count_crowds(context)
        except ServiceError as error:
            _log.warning("crowds not counted", reason=error.reason, detail=error.detail)
        await asyncio.sleep(interval_seconds)


async def count_crowds(context: Context) -> None:
    """Count the accounts of the last month on each network, with each provider, and in all. Repeating is harmless."""
    since = (context.clock.now() - _WINDOW).date()
    database = context.database
    networks = await database.fetch(sql.COUNT_NETWORK_CROWDS, since)
    await _keep(context, "NETWORK", [(row["key"], row["account_count"]) for row in networks])
    providers = await database.fetch(sql.COUNT_PROVIDER_CROWDS, since)
    await _keep(context, "PROVIDER", [(row["asn"].to_bytes(8, "big"), row["account_count"]) for row in providers])
    total = await database.fetch_value(sql.COUNT_ACCOUNTS, since)
    await _keep(context, "ALL", [(b"", total)] if total else [])
    _log.info("crowds counted", accounts=total, networks=len(networks), providers=len(providers))


async def _keep(context: Context, kind: str, counts: Sequence[tuple[Any, int]]) -> None:
    now = context.clock.now()
    for at in range(0, len(counts), _AT_ONCE):
        keys, numbers = zip(*counts[at : at + _AT_ONCE], strict=True)
        await context.database.execute(sql.SAVE_CROWDS, kind, list(keys), list(numbers), now)
    await context.database.execute(sql.DELETE_CROWDS, kind, now)

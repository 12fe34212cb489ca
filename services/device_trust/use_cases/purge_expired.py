"""Deletes what is past its retention: ids of sightings, presence, answers. No RPC; a task beside the server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.device_trust.storage import sql
from services.device_trust.use_cases.context import Context

_ACCOUNTS_AT_ONCE: Final = 500
_MARGIN: Final = timedelta(days=1)
"""Ids outlive the age at which their sightings are refused by this, so that no skew lets one in twice."""
_log = get_logger(__name__)


async def run_purger(context: Context, interval_seconds: float) -> None:
    """Purge now and then, for ever; a failure is logged, and the next time is another try."""
    while True:
        try:
            await purge_expired(context)
        except ServiceError as error:
            _log.warning("purge failed", reason=error.reason, detail=error.detail)
        await asyncio.sleep(interval_seconds)


async def purge_expired(context: Context) -> None:
    """Delete everything past its retention, account by account. Safe to run in several places at once."""
    now, keep = context.clock.now(), context.retention
    await _purge(context, sql.EXPIRED_SIGHTINGS, sql.DELETE_SIGHTINGS, now - keep.sighting_age - _MARGIN)
    await _purge(context, sql.EXPIRED_PRESENCE, sql.DELETE_PRESENCE, (now - keep.presence).date())
    await _purge(context, sql.EXPIRED_NETWORKS, sql.DELETE_NETWORKS, (now - keep.presence).date())
    await _purge(context, sql.EXPIRED_REQUESTS, sql.DELETE_REQUESTS, now - keep.requests)


async def _purge(context: Context, find: str, delete: str, before: Any) -> None:
    while accounts := await context.database.fetch(find, before, _ACCOUNTS_AT_ONCE):
        for row in accounts:
            await context.database.execute(delete, row["account_id"], before)

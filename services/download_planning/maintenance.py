"""What the service does unasked: sum popularity anew. What it deletes is in ``retention``."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.download_planning.use_cases.context import Context

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upkeep:
    """How often, and how far back."""

    popularity_interval: timedelta
    popularity_window: timedelta


async def run_maintenance(context: Context, upkeep: Upkeep) -> None:
    """Keep house until cancelled. A failure is logged, and tried again at the next turn."""
    while True:
        try:
            await keep_house(context, upkeep)
        except ServiceError as error:
            _log.warning("maintenance failed", reason=error.reason, detail=error.detail)
        await asyncio.sleep(upkeep.popularity_interval.total_seconds())


async def keep_house(context: Context, upkeep: Upkeep) -> None:
    """One turn."""
    now = context.clock.now()
    changed = await context.catalogue_store.refresh_popularity(
        now, interval=upkeep.popularity_interval * 0.9, window=upkeep.popularity_window
    )
    if changed:
        _log.info("popularity summed", changed=changed)

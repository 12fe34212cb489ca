"""What is cleared away: codes of challenges whose time has run out, and rows of long ago."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final, NoReturn

from libs.persistence.database import Executor
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.challenge.storage.challenges import ChallengeStore

_PRUNE_EVERY: Final = timedelta(hours=1)
_log = get_logger(__name__)


async def keep_house(database: Executor, clock: Clock, *, every: timedelta, retention: timedelta) -> NoReturn:
    """Sweep until cancelled. Several replicas may do so at once."""
    store = ChallengeStore(database)
    pruned: datetime | None = None
    while True:
        await asyncio.sleep(every.total_seconds())
        now = clock.now()
        try:
            expired = await store.expire(now)
            if pruned is None or pruned + _PRUNE_EVERY <= now:
                await store.prune(now - retention, now)
                pruned = now
        except ServiceError as error:
            _log.warning("sweep failed", reason=error.reason)
            continue
        if expired:
            _log.info("challenges expired", count=expired)

"""What is cleared away: codes of challenges whose time has run out. Rows of long ago are ``retention``'s."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NoReturn

from libs.persistence.database import Executor
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.challenge.storage.challenges import ChallengeStore

_log = get_logger(__name__)


async def keep_house(database: Executor, clock: Clock, *, every: timedelta) -> NoReturn:
    """Sweep until cancelled. Several replicas may do so at once."""
    store = ChallengeStore(database)
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            expired = await store.expire(clock.now())
        except ServiceError as error:
            _log.warning("sweep failed", reason=error.reason)
            continue
        if expired:
            _log.info("challenges expired", count=expired)

"""Deletes what is past its time: proofs, askers and contact changes that are over, decisions beyond their retention."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs.persistence.database import Database
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.gateway.storage import contact_sql, own_account_sql, sql

_KEPT_AFTER_END: Final = timedelta(days=1)
"""A repeat of a request still finds what it was about, this long after its code ended."""
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long decisions are kept, and how often the house is kept."""

    decisions: timedelta
    interval: timedelta


async def run_upkeep(database: Database, clock: Clock, retention: Retention) -> None:
    """Keep house now and then, for ever; a failure is logged, and the next time is another try."""
    while True:
        try:
            await keep_house(database, clock, retention)
        except ServiceError as error:
            _log.warning("upkeep failed", reason=str(error.reason), detail=error.detail)
        await asyncio.sleep(retention.interval.total_seconds())


async def keep_house(database: Database, clock: Clock, retention: Retention) -> None:
    """Delete once. Safe to run in several places at the same time."""
    now = clock.now()
    await database.execute(sql.DELETE_OLD_PROOFS, now - _KEPT_AFTER_END)
    await database.execute(sql.DELETE_OLD_ASKERS, now - _KEPT_AFTER_END)
    await database.execute(sql.DELETE_OLD_DECISIONS, now - retention.decisions)
    await database.execute(contact_sql.DELETE_OLD_CONTACT_CHANGES, now - _KEPT_AFTER_END)
    await database.execute(own_account_sql.DELETE_OLD_TRANSFERS, now)
    await database.execute(own_account_sql.DELETE_OLD_WAITING, now - _KEPT_AFTER_END)

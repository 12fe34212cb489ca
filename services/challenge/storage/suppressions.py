"""Destinations that get no notices, in PostgreSQL: dead ones for a while, unwilling ones by kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from libs.persistence.database import Executor
from services.challenge.storage import delivery_sql as sql

HARD_BOUNCE: Final = "hard_bounce"
UNSUBSCRIBED: Final = "unsubscribed"
_EVERY_KIND: Final = ""


class SuppressionStore:
    """Suppressions, over the database or within a transaction. Destinations are keyed hashes."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def reason(self, destination_hash: bytes, kind: str, now: datetime) -> str:
        """Why a notice of that kind is not sent there; empty: it is."""
        return await self._executor.fetch_value(sql.SUPPRESSED, destination_hash, kind, now) or ""

    async def bounced(self, destination_hash: bytes, now: datetime, pause: timedelta) -> None:
        """A provider called the address dead."""
        await self._executor.execute(sql.SUPPRESS, destination_hash, _EVERY_KIND, HARD_BOUNCE, now, now + pause)

    async def unsubscribe(self, destination_hash: bytes, kind: str, now: datetime, holds: timedelta) -> None:
        """Its owner wants no notices of that kind."""
        await self._executor.execute(sql.SUPPRESS, destination_hash, kind, UNSUBSCRIBED, now, now + holds)

    async def heal(self, destination_hashes: Sequence[bytes]) -> None:
        """Providers took messages for these: they are alive after all."""
        await self._executor.execute(sql.HEAL, list(destination_hashes))

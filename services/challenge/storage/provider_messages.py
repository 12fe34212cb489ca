"""Which message a provider means by its own id, in PostgreSQL. The answer and the receipt come in either order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.persistence.privacy import account_hash
from services.challenge.domain.challenge import DeliveryState
from services.challenge.storage import delivery_sql as sql
from services.challenge.storage import privacy_sql


class ProviderMessageStore:
    """Providers' ids, as keyed hashes, over the database or within a transaction."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def mark(
        self, reference_hash: bytes, account_id: UUID, delivery_id: UUID, now: datetime
    ) -> DeliveryState | None:
        """Say which message it is, unless its account was erased; what a receipt said that came before."""
        state = await self._executor.fetch_value(
            privacy_sql.MARK_REFERENCE, reference_hash, account_id, delivery_id, now, account_hash(account_id)
        )
        return DeliveryState(state) if state else None

    async def take(self, reference_hash: bytes, state: DeliveryState, now: datetime) -> tuple[UUID, UUID] | None:
        """Keep a receipt; account and delivery that it is about, None where the answer is still to come."""
        row = await self._executor.fetch_row(sql.TAKE_RECEIPT, reference_hash, state, now)
        assert row is not None
        return (row["account_id"], row["delivery_id"]) if row["account_id"] is not None else None

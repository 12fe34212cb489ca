"""Demanded password resets in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.protection import Credential, ResetDemandReason
from services.identity.domain.session import EndReason
from services.identity.storage import protection_sql as sql


async def find_credential(executor: Executor, account_id: UUID) -> Credential | None:
    """The account's password as it stands, or None where there is none."""
    row = await executor.fetch_row(sql.FIND_CREDENTIAL_STATE, account_id)
    if row is None:
        return None
    return Credential(password_hash=row["password_hash"], version=row["version"], reset_required=row["reset_required"])


async def demand(
    transaction: Executor, account_id: UUID, demand_id: UUID, reason: ResetDemandReason, now: datetime
) -> bool:
    """Demand a reset, once for an id; whether that is new."""
    return await transaction.execute(sql.INSERT_DEMAND, account_id, demand_id, reason, now) == "INSERT 0 1"


async def is_settled(transaction: Executor, account_id: UUID, demand_id: UUID) -> bool:
    """Whether a new password was set since the demand."""
    return bool(await transaction.fetch_value(sql.DEMAND_SETTLED, account_id, demand_id))


async def settle_demands(transaction: Executor, account_id: UUID, now: datetime) -> None:
    """A new password was set."""
    await transaction.execute(sql.SETTLE_DEMANDS, account_id, now)


async def end_sessions_but_devices(
    transaction: Executor, account_id: UUID, reason: EndReason, now: datetime, keep_device_ids: Sequence[str]
) -> int:
    """End every session but those of some devices; how many ended by it."""
    tag = await transaction.execute(sql.END_SESSIONS_BUT_DEVICES, account_id, reason, now, list(keep_device_ids))
    return int(tag.rpartition(" ")[2])

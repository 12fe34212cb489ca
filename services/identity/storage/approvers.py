"""Approvers in the database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.approver import Approver
from services.identity.domain.contact import Channel
from services.identity.storage import contact_sql


async def list_approvers(executor: Executor, keys: ContactKeys, account_id: UUID) -> list[Approver]:
    """Those of the account, oldest first, also those who have yet to prove themselves."""
    rows = await executor.fetch(contact_sql.LIST_APPROVERS, account_id)
    return [_approver_from_row(row, keys) for row in rows]


async def insert_approver(transaction: Executor, keys: ContactKeys, approver: Approver) -> None:
    """Somebody who has yet to prove themselves, in place of whoever had yet to."""
    account_id, approver_id, channel = approver.account_id, approver.approver_id, approver.channel
    sealed = keys.seal(approver.destination, account_id=account_id, channel=channel, contact_id=approver_id)
    await transaction.execute(contact_sql.DELETE_WAITING_APPROVERS, account_id)
    await transaction.execute(
        contact_sql.INSERT_APPROVER,
        *(account_id, approver_id, approver.name, channel, sealed, approver.profile_id, approver.create_time),
    )


async def verify_approver(transaction: Executor, account_id: UUID, approver_id: UUID, now: datetime) -> None:
    """They have proved themselves."""
    await transaction.execute(contact_sql.VERIFY_APPROVER, account_id, approver_id, now)


async def delete_approver(executor: Executor, account_id: UUID, approver_id: UUID) -> bool:
    """Whether there was one."""
    return await executor.execute(contact_sql.DELETE_APPROVER, account_id, approver_id) == "DELETE 1"


def _approver_from_row(row: Record, keys: ContactKeys) -> Approver:
    account_id, approver_id, channel = row["account_id"], row["approver_id"], Channel(row["channel"])
    destination = keys.open(row["sealed_destination"], account_id=account_id, channel=channel, contact_id=approver_id)
    return Approver(
        account_id=account_id,
        approver_id=approver_id,
        name=row["name"],
        channel=channel,
        destination=destination,
        profile_id=row["profile_id"],
        verified=row["verified"],
        create_time=row["create_time"],
    )

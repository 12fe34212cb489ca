"""Deleting what one statement does not delete: accounts that were never activated, contacts of closed accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from libs.persistence.database import Database, retry_conflicts
from libs.persistence.retention import BATCH
from services.identity.storage import retention_sql as sql

_BEFORE_THE_FIRST: Final = UUID(int=0)
_AFTER_THE_LAST: Final = UUID(int=2**128 - 1)


async def shred_closed_contacts(database: Database, before: datetime) -> int:
    """Delete data key and contacts of accounts that are closed since before then; how many accounts those were."""
    gone = 0
    async for account_id in _accounts(database, sql.FIND_CLOSED, before):
        gone += await _if_still(database, sql.LOCK_CLOSED, sql.SHRED_CONTACTS, account_id)
    return gone


async def note_closings(database: Database, now: datetime) -> None:
    """Write down which accounts are closed, for the first time that it is seen. No call has to tell."""
    after = _BEFORE_THE_FIRST
    while (end := await database.fetch_value(sql.NEXT_ACCOUNTS, after, BATCH)) is not None:
        await retry_conflicts(partial(database.execute, sql.NOTE_CLOSING, after, end, now))
        after = end
    await retry_conflicts(partial(database.execute, sql.NOTE_CLOSING, after, _AFTER_THE_LAST, now))


async def _accounts(database: Database, find: str, before: datetime) -> AsyncIterator[UUID]:
    after = _BEFORE_THE_FIRST
    while rows := await database.fetch(find, after, before, BATCH):
        for row in rows:
            yield row["account_id"]
        after = rows[-1]["account_id"]


async def _if_still(database: Database, lock: str, statements: Sequence[str], account_id: UUID) -> bool:
    async def change() -> bool:
        async with database.transaction() as transaction:
            if await transaction.fetch_value(lock, account_id) is None:
                return False
            for statement in statements:
                await transaction.execute(statement, account_id)
        return True

    return await retry_conflicts(change)

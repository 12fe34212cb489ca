"""Profiles' lists in PostgreSQL, and what a device that leaves an account had there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Database
from libs.persistence.privacy import require_not_erased
from libs.runtime.errors import ErrorReason, ServiceError
from services.download_planning.domain.my_list import MyListItem
from services.download_planning.storage import my_list_sql as sql
from services.download_planning.storage.sql import ENSURE_ACCOUNT, LOCK_ACCOUNT


class MyListStore:
    """Lists by account and profile. Errors as ``libs.persistence.database.Executor`` says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def update(
        self,
        account_id: UUID,
        profile_id: UUID,
        *,
        add: Sequence[str],
        remove: Sequence[str],
        now: datetime,
        max_titles: int,
    ) -> int:
        """Add titles, then take titles off; how many there are now.

        Raises LIMIT_EXCEEDED where those are too many, NOT_FOUND for an account that was erased.
        """
        async with self._database.transaction() as tx:
            await tx.execute(ENSURE_ACCOUNT, account_id)
            await tx.fetch(LOCK_ACCOUNT, account_id)
            await require_not_erased(tx, account_id)
            await tx.execute(sql.ADD_ITEMS, account_id, profile_id, list(add), [now] * len(add))
            await tx.execute(sql.REMOVE_ITEMS, account_id, profile_id, list(remove))
            count = int(await tx.fetch_value(sql.COUNT_ITEMS, account_id, profile_id))
            if add and count > max_titles:
                metadata = {"limit": "my_list", "max": str(max_titles)}
                raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="titles on a list", metadata=metadata)
        return count

    async def list_items(self, account_id: UUID, profile_id: UUID, limit: int) -> list[MyListItem]:
        """Up to ``limit`` titles of the list, the latest first."""
        rows = await self._database.fetch(sql.LIST_ITEMS, account_id, profile_id, limit)
        return [MyListItem(title_id=row["title_id"], add_time=row["add_time"]) for row in rows]

    async def is_used(self, account_id: UUID, profile_id: UUID) -> bool:
        """Whether anything was watched on the profile, is on its list, or was chosen for its downloads."""
        return bool(await self._database.fetch_value(sql.IS_USED, account_id, profile_id))

    async def add(self, account_id: UUID, profile_id: UUID, items: Sequence[MyListItem]) -> None:
        """Put items on the list with their times, however many there are; those that are there stay as they are."""
        titles, times = [each.title_id for each in items], [each.add_time for each in items]
        async with self._database.transaction() as tx:
            await tx.execute(ENSURE_ACCOUNT, account_id)
            await tx.fetch(LOCK_ACCOUNT, account_id)
            await require_not_erased(tx, account_id)
            await tx.execute(sql.ADD_ITEMS, account_id, profile_id, titles, times)

    async def remove(self, account_id: UUID, profile_id: UUID, title_ids: Sequence[str]) -> None:
        """Take titles off the list."""
        await self._database.execute(sql.REMOVE_ITEMS, account_id, profile_id, list(title_ids))

    async def forget_device(self, account_id: UUID, device_id: str) -> list[UUID]:
        """Delete settings and plans of a device that has left the account; the profiles that had a plan on it."""
        async with self._database.transaction() as tx:
            await tx.execute(sql.DELETE_DEVICE_SETTINGS, account_id, device_id)
            rows = await tx.fetch(sql.DELETE_DEVICE_WANTED, account_id, device_id)
        return [row["profile_id"] for row in rows]

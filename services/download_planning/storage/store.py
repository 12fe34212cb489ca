"""What accounts have in PostgreSQL: viewing, settings and plans. Every transaction is within one account."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Database, Executor
from libs.persistence.privacy import (
    Erased,
    Exported,
    Subject,
    account_hash,
    bury,
    erase_holdings,
    export_holdings,
    require_not_erased,
)
from libs.runtime.errors import ErrorReason, ServiceError
from services.download_planning.codec import decode_explanation, decode_plan, encode_explanation, encode_plan
from services.download_planning.domain.devices import DeviceKey, DownloadSettings
from services.download_planning.domain.plan import DownloadPlan, Explanation
from services.download_planning.domain.viewing import Progress, Viewing, ViewingState
from services.download_planning.storage import privacy_sql, sql
from services.download_planning.storage.privacy import HOLDINGS

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRecord:
    """What is known of a device before planning: the viewer's choice, its newest plan, the catalogue's version."""

    platform: str
    settings: DownloadSettings
    plan: DownloadPlan | None
    is_withdrawn: bool
    catalogue_version: int

    @classmethod
    def from_row(cls, row: Record) -> DeviceRecord:
        """The record of a row of ``find_device``."""
        return cls(
            platform=row["platform"],
            settings=DownloadSettings(
                downloads_for_you=row["downloads_for_you"],
                smart_downloads=row["smart_downloads"],
                budget_bytes=row["budget_bytes"],
                allow_mobile_data=row["allow_mobile_data"],
            ),
            plan=None if row["plan"] is None else decode_plan(row["plan"]),
            is_withdrawn=bool(row["is_withdrawn"]),
            catalogue_version=row["catalogue_version"],
        )


class PlanningStore:
    """Viewing, settings and plans of accounts. Errors as ``libs.persistence.database.Executor`` says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_viewings(
        self, account_id: UUID, profile_id: UUID, viewings: Sequence[Viewing], now: datetime
    ) -> int:
        """Keep the viewings whose ids are new; how many those were. Raises NOT_FOUND for an account that was erased."""
        values = (account_id, profile_id, now, *_columns(viewings), account_hash(account_id))
        new = len(await self._database.fetch(privacy_sql.INSERT_VIEWINGS, *values))
        if not new:
            await require_not_erased(self._database, account_id)
        return new

    async def list_progress(self, account_id: UUID, profile_id: UUID) -> dict[str, Progress]:
        """Where the profile stands with each title that it has watched any of."""
        rows = await self._database.fetch(sql.LIST_PROGRESS, account_id, profile_id)
        return {row["title_id"]: _progress(row) for row in rows}

    async def list_viewings(self, account_id: UUID, profile_id: UUID, limit: int) -> list[Viewing]:
        """Up to ``limit`` viewings of the profile."""
        return [_viewing(row) for row in await self._database.fetch(sql.LIST_VIEWINGS, account_id, profile_id, limit)]

    async def delete_viewings(self, account_id: UUID, profile_id: UUID, viewing_ids: Sequence[UUID]) -> int:
        """Delete these viewings; how many were still there."""
        return len(await self._database.fetch(sql.DELETE_VIEWINGS, account_id, profile_id, list(viewing_ids)))

    async def configure(
        self, key: DeviceKey, platform: str, settings: DownloadSettings, *, max_devices: int, now: datetime
    ) -> None:
        """Put the settings in place of what was.

        LIMIT_EXCEEDED where they take one device more than the plan has, NOT_FOUND for an account that was erased.
        """
        async with self._database.transaction() as tx:
            if settings.is_on:
                await _claim_device(tx, key, max_devices)
            await require_not_erased(tx, key.account_id)
            await tx.execute(
                sql.UPSERT_SETTINGS,
                *(key.account_id, key.profile_id, key.device_id, platform),
                *(settings.downloads_for_you, settings.smart_downloads),
                *(settings.budget_bytes, settings.allow_mobile_data, now),
            )

    async def find_device(self, key: DeviceKey) -> DeviceRecord | None:
        """What is known of the device; None where nothing was ever chosen for it."""
        row = await self._database.fetch_row(sql.FIND_DEVICE, key.account_id, key.profile_id, key.device_id)
        return None if row is None else DeviceRecord.from_row(row)

    async def save_plan(self, key: DeviceKey, explanation: Explanation, *, replaces: int) -> None:
        """Keep the plan in place of generation ``replaces`` (0: none). CONCURRENT_CHANGE where it is not the newest.

        NOT_FOUND for an account that was erased.
        """
        plan = explanation.plan
        async with self._database.transaction() as tx:
            saved = await tx.fetch_value(
                sql.SAVE_WANTED,
                *(key.account_id, key.profile_id, key.device_id),
                *(plan.plan_id, plan.generation, plan.etag, encode_plan(plan), plan.create_time, replaces),
            )
            if saved is None:
                raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the device was planned at the same time")
            await require_not_erased(tx, key.account_id)
            await tx.execute(
                sql.INSERT_EXPLANATION,
                *(key.account_id, plan.plan_id, key.profile_id, key.device_id),
                *(encode_explanation(explanation), plan.create_time),
            )

    async def set_withdrawn(self, key: DeviceKey, withdrawn: bool) -> bool:
        """Withdraw the device's plan, or bring it back; whether that changed anything."""
        arguments = (key.account_id, key.profile_id, key.device_id, withdrawn)
        return await self._database.fetch_value(sql.SET_WITHDRAWN, *arguments) is not None

    async def find_explanation(self, account_id: UUID, plan_id: UUID) -> Explanation | None:
        """A plan of the account with what was considered for it; None where there is none, or no longer."""
        data = await self._database.fetch_value(sql.FIND_EXPLANATION, account_id, plan_id)
        return None if data is None else decode_explanation(data)

    async def forget_profile(self, account_id: UUID, profile_id: UUID) -> list[str]:
        """Delete settings and plans of a profile that has left the account; the devices that had a plan."""
        async with self._database.transaction() as tx:
            await tx.execute(sql.DELETE_SETTINGS, account_id, profile_id)
            await tx.execute(privacy_sql.DELETE_PROFILE_EXPLANATIONS, account_id, profile_id)
            rows = await tx.fetch(sql.DELETE_WANTED, account_id, profile_id)
        return [row["device_id"] for row in rows]

    def export_account(self, account_id: UUID) -> AsyncGenerator[list[Exported]]:
        """Everything that is held about an account, in chunks."""
        return export_holdings(self._database, HOLDINGS, Subject(account_id=account_id))

    async def erase_account(self, account_id: UUID, now: datetime) -> Erased:
        """Put up the tombstone, then delete what is held; how much that was."""
        await bury(self._database, account_id, now)
        return await erase_holdings(self._database, HOLDINGS, Subject(account_id=account_id))


async def _claim_device(tx: Executor, key: DeviceKey, max_devices: int) -> None:
    """One more device, unless it is among those in use; the count sees what was committed before the lock was given."""
    await tx.execute(sql.ENSURE_ACCOUNT, key.account_id)
    await tx.fetch(sql.LOCK_ACCOUNT, key.account_id)
    in_use = {row["device_id"] for row in await tx.fetch(sql.DEVICES_IN_USE, key.account_id)}
    if key.device_id not in in_use and len(in_use) >= max_devices:
        metadata = {"limit": "download_devices", "max": str(max_devices)}
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="download devices of the plan", metadata=metadata)


def _columns(viewings: Sequence[Viewing]) -> tuple[list[Any], ...]:
    return (
        [each.viewing_id for each in viewings],
        [each.title_id for each in viewings],
        [each.device_id for each in viewings],
        [str(each.state) for each in viewings],
        [each.position // _MILLISECOND for each in viewings],
        [each.event_time for each in viewings],
    )


def _viewing(row: Record) -> Viewing:
    return Viewing(
        viewing_id=row["viewing_id"],
        title_id=row["title_id"],
        device_id=row["device_id"],
        state=ViewingState(row["state"]),
        position=row["position_ms"] * _MILLISECOND,
        event_time=row["event_time"],
    )


def _progress(row: Record) -> Progress:
    return Progress(title_id=row["title_id"], state=ViewingState(row["state"]), event_time=row["event_time"])

"""What is read and written, over a database or within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.persistence.database import Executor
from services.device_trust.domain.allowances import YEAR
from services.device_trust.domain.records import (
    AllowanceUse,
    Client,
    Device,
    Facts,
    NetworkHash,
    PresenceDay,
    Residence,
    Sighting,
    Travel,
)
from services.device_trust.domain.sightings import HomeSeen
from services.device_trust.storage import sql
from services.device_trust.storage.rows import device_from, device_values, facts_from

_NO_DEVICE: Final = ""
_MAX_LISTED_DEVICES: Final = 200


class Store:
    """The tables of device_trust. Errors are those of ``libs.persistence``."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def lock_household(self, account_id: UUID, now: datetime) -> None:
        """Hold the account's household until the transaction ends.

        A statement of its own, so that what is read next sees what others committed before the lock was free.
        """
        await self._executor.execute(sql.LOCK_HOUSEHOLD, account_id, now)

    async def load_facts(
        self, account_id: UUID, client: Client | None, now: datetime, allowance_period: timedelta
    ) -> Facts:
        """The facts about a device seen as ``client``, or about the household alone. One statement."""
        device_id = client.device_id if client else _NO_DEVICE
        times = (now - YEAR, now - allowance_period)
        # Always one row: the aggregates over the household give one even where there is none.
        (row,) = await self._executor.fetch(sql.LOAD_FACTS, account_id, device_id, *times)
        return facts_from(row, now, client)

    async def list_devices(self, account_id: UUID) -> list[Device]:
        """The account's devices, last seen first, at most 200."""
        rows = await self._executor.fetch(sql.LIST_DEVICES, account_id, _MAX_LISTED_DEVICES)
        return [device_from(row) for row in rows]

    async def find_devices(self, account_id: UUID, device_ids: Iterable[str]) -> list[Device]:
        """Those of the account's devices that are named and known."""
        rows = await self._executor.fetch(sql.FIND_DEVICES, account_id, sorted(set(device_ids)))
        return [device_from(row) for row in rows]

    async def save_devices(self, account_id: UUID, devices: Iterable[Device]) -> None:
        """Write devices as they are now. The household must be locked."""
        await self._executor.execute_many(sql.SAVE_DEVICE, [device_values(account_id, each) for each in devices])

    async def founded_on(self, account_id: UUID) -> str | None:
        """The device on which the account was made, if that was ever said."""
        device_id: str | None = await self._executor.fetch_value(sql.FOUNDED_ON, account_id)
        return device_id

    async def save_residence(self, account_id: UUID, residence: Residence) -> None:
        """Write a residence as it is now. The household must be locked."""
        await self._executor.execute(
            sql.SAVE_RESIDENCE,
            *(account_id, residence.residence_id, residence.network, residence.country),
            *(residence.declared, residence.name, residence.last_seen_time),
        )

    async def list_homes(self, account_id: UUID) -> frozenset[NetworkHash]:
        """The networks of the account's residences."""
        rows = await self._executor.fetch(sql.LIST_HOMES, account_id)
        return frozenset(NetworkHash(row["network_hash"]) for row in rows)

    async def touch_residences(self, account_id: UUID, homes: Iterable[HomeSeen]) -> None:
        """Residences were seen: neither is their time taken back nor a known country changed."""
        rows = [(account_id, home.network, home.last_seen_time, home.country) for home in homes]
        await self._executor.execute_many(sql.TOUCH_RESIDENCE, rows)

    async def count_residents(self, account_id: UUID, since: datetime) -> dict[UUID, int]:
        """How many devices were on each residence's network since a day; residences without any are left out."""
        rows = await self._executor.fetch(sql.COUNT_RESIDENTS, account_id, since.date())
        return {row["residence_id"]: row["device_count"] for row in rows}

    async def add_sightings(self, account_id: UUID, sightings: Sequence[Sighting]) -> set[UUID]:
        """Note the ids of an account's sightings (each id once); return those that are new."""
        ids = [each.sighting_id for each in sightings]
        times = [each.event_time for each in sightings]
        rows = await self._executor.fetch(sql.ADD_SIGHTINGS, account_id, ids, times)
        return {row["sighting_id"] for row in rows}

    async def add_presence(self, account_id: UUID, days: Iterable[PresenceDay]) -> None:
        """Count sightings of devices by network and day."""
        rows = [
            (account_id, each.device_id, each.day, each.network, each.country, each.asn, each.sighting_count)
            for each in days
        ]
        await self._executor.execute_many(sql.ADD_PRESENCE, rows)

    async def add_use(self, account_id: UUID, request_id: UUID, device_id: str, use: AllowanceUse) -> None:
        """Use up one of an allowance. The household must be locked."""
        await self._executor.execute(
            sql.ADD_USE, account_id, request_id, use.kind, use.network, device_id, use.used_time
        )

    async def add_travel(self, account_id: UUID, request_id: UUID, travel: Travel) -> None:
        """Note a declared travel. The household must be locked."""
        await self._executor.execute(
            sql.ADD_TRAVEL, account_id, request_id, travel.country, travel.start_time, travel.end_time
        )

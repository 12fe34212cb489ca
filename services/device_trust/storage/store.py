"""What is read and written, over a database or within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.persistence.database import Executor
from libs.persistence.privacy import require_not_erased
from services.device_trust.domain.allowances import YEAR
from services.device_trust.domain.history import History, encode
from services.device_trust.domain.records import (
    AllowanceUse,
    Client,
    Device,
    NetworkHash,
    Residence,
    Sighting,
    Travel,
)
from services.device_trust.storage import sql
from services.device_trust.storage.rows import (
    Loaded,
    device_from,
    device_values,
    history_from,
    loaded_from,
    residence_from,
)

_NO_DEVICE: Final = ""
_MAX_LISTED_DEVICES: Final = 200


class Store:
    """The tables of device_trust. Errors are those of ``libs.persistence``."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def lock_household(self, account_id: UUID, now: datetime) -> None:
        """Hold the account's household until the transaction ends. Raises NOT_FOUND for an account that was erased.

        A statement of its own, so that what is read next sees what others committed before the lock was free.
        """
        await self._executor.execute(sql.LOCK_HOUSEHOLD, account_id, now)
        await require_not_erased(self._executor, account_id)

    async def load(self, account_id: UUID, client: Client | None, now: datetime, allowance_period: timedelta) -> Loaded:
        """The household, the device seen as ``client`` and the crowd on its network; or the household alone.

        One statement, whose cost does not grow with the sightings taken in.
        """
        device_id, network, asn = (client.device_id, client.network, client.asn) if client else (_NO_DEVICE, b"", None)
        times = (now - YEAR, now - allowance_period)
        # Always one row: the aggregates over the household give one even where there is none.
        (row,) = await self._executor.fetch(sql.LOAD_FACTS, account_id, device_id, *times, network, _provider_key(asn))
        return loaded_from(row, now)

    async def find_history(self, account_id: UUID, now: datetime) -> History:
        """The account's history; one that begins today where there is none. To be changed, lock the household."""
        return history_from(await self._executor.fetch_value(sql.FIND_HISTORY, account_id), now)

    async def save_history(self, account_id: UUID, history: History) -> None:
        """Keep the account's history. The household must be locked."""
        await self._executor.execute(sql.SAVE_HISTORY, account_id, encode(history))

    async def find_crowds(self, networks: Iterable[NetworkHash]) -> dict[bytes, int]:
        """How many accounts were seen on networks; those of one account alone are left out."""
        rows = await self._executor.fetch(sql.FIND_CROWDS, sorted(set(networks)))
        return {row["key"]: row["account_count"] for row in rows}

    async def see_networks(self, account_id: UUID, sightings: Iterable[Sighting]) -> None:
        """Note on which networks an account was, for the counting of crowds."""
        seen = {each.client.network: each for each in sorted(sightings, key=lambda each: each.event_time)}
        days = [each.event_time.astimezone(UTC).date() for each in seen.values()]
        asns = [each.client.asn for each in seen.values()]
        await self._executor.execute(sql.SEE_NETWORKS, account_id, list(seen), asns, days)

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

    async def list_residences(self, account_id: UUID) -> tuple[Residence, ...]:
        """The account's residences, oldest first."""
        rows = await self._executor.fetch(sql.LIST_RESIDENCES, account_id)
        return tuple(residence_from(row) for row in rows)

    async def change_residences(
        self, account_id: UUID, before: Sequence[Residence], after: Sequence[Residence]
    ) -> None:
        """Write residences as they are now, and forget those that are none any more. The household must be locked."""
        kept = {each.residence_id for each in after}
        for gone in before:
            if gone.residence_id not in kept:
                await self._executor.execute(sql.DELETE_RESIDENCE, account_id, gone.residence_id)
        for residence in after:
            if residence not in before:
                await self.save_residence(account_id, residence)

    async def add_sightings(self, account_id: UUID, sightings: Sequence[Sighting]) -> set[UUID]:
        """Note the ids of an account's sightings (each id once); return those that are new."""
        ids = [each.sighting_id for each in sightings]
        times = [each.event_time for each in sightings]
        rows = await self._executor.fetch(sql.ADD_SIGHTINGS, account_id, ids, times)
        return {row["sighting_id"] for row in rows}

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


def _provider_key(asn: int | None) -> bytes:
    """A provider as the crowd table names it."""
    return (asn or 0).to_bytes(8, "big")

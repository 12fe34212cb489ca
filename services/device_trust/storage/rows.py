"""Rows of the database and the domain's records, one into the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.device_trust.domain.facts import Household
from services.device_trust.domain.history import History, day_of, decode
from services.device_trust.domain.records import (
    TELLING_ACCOUNTS,
    AllowanceKind,
    AllowanceUse,
    Crowd,
    Device,
    NetworkHash,
    Residence,
    RevocationReason,
    Travel,
)


def device_from(row: Record) -> Device:
    """The device that a row holds."""
    reason = row["revocation_reason"]
    return Device(
        device_id=row["device_id"],
        kind=row["kind"],
        name=row["name"],
        platform=row["platform"],
        first_seen_time=row["first_seen_time"],
        last_seen_time=row["last_seen_time"],
        last_network=NetworkHash(row["last_network"]),
        last_country=row["last_country"],
        member_since=row["member_since"],
        last_home_time=row["last_home_time"],
        cleared_time=row["cleared_time"],
        guest_until=row["guest_until"],
        deferral_deadline=row["deferral_deadline"],
        revoked_time=row["revoked_time"],
        revocation_reason=RevocationReason(reason) if reason else None,
    )


def device_values(account_id: UUID, device: Device) -> tuple[Any, ...]:
    """The arguments of SAVE_DEVICE."""
    return (
        *(account_id, device.device_id, device.kind, device.name, device.platform),
        *(device.first_seen_time, device.last_seen_time, device.last_network, device.last_country),
        *(device.member_since, device.last_home_time, device.cleared_time, device.guest_until),
        *(device.deferral_deadline, device.revoked_time, device.revocation_reason),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What one row of LOAD_FACTS holds."""

    household: Household
    device: Device | None
    crowd: Crowd


def loaded_from(row: Record, now: datetime) -> Loaded:
    """The household, the device that was asked for, and the crowd on its network."""
    return Loaded(
        household=Household(
            history=history_from(row["history"], now),
            residences=tuple(_residences(row)),
            travels=tuple(
                Travel(country=country, start_time=start, end_time=end)
                for country, start, end in _columns(row, "travel_countries", "travel_starts", "travel_ends")
            ),
            uses=tuple(
                AllowanceUse(kind=AllowanceKind(kind), network=network, used_time=time)
                for kind, network, time in _columns(row, "use_kinds", "use_networks", "use_times")
            ),
        ),
        device=device_from(row) if row["device_id"] is not None else None,
        crowd=_crowd(row),
    )


def history_from(data: bytes | None, now: datetime) -> History:
    """The history that was kept; one that begins today where none was."""
    return History(first_day=day_of(now)) if data is None else decode(data)


def residence_from(row: Record) -> Residence:
    """The residence that a row holds."""
    return Residence(
        residence_id=row["residence_id"],
        network=NetworkHash(row["network_hash"]),
        country=row["country_code"],
        declared=row["declared"],
        name=row["name"],
        last_seen_time=row["last_seen_time"],
    )


def _crowd(row: Record) -> Crowd:
    """A network that was not counted has one account. With few accounts, a provider's share tells nothing."""
    total, provider = row["all_accounts"] or 0, row["provider_accounts"]
    share = min(1.0, provider / total) if provider is not None and total >= TELLING_ACCOUNTS else None
    return Crowd(network=row["network_accounts"] or 1, provider_share=share)


def _residences(row: Record) -> list[Residence]:
    columns = _columns(
        row,
        *("residence_ids", "residence_networks", "residence_countries"),
        *("residence_declared", "residence_names", "residence_seen_times"),
    )
    return [
        Residence(
            # asyncpg's own UUID class is a subclass of the standard one.
            residence_id=residence_id,
            network=network,
            country=country,
            declared=declared,
            name=name,
            last_seen_time=seen,
        )
        for residence_id, network, country, declared, name, seen in columns
    ]


def _columns(row: Record, *names: str) -> Iterable[tuple[Any, ...]]:
    """Parallel arrays as tuples; an aggregate over no rows is null."""
    if row[names[0]] is None:
        return ()
    return zip(*(row[name] for name in names), strict=True)

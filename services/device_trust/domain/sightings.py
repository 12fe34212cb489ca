"""Sightings folded into what is kept: devices as last seen, and presence by day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from services.device_trust.domain.records import Device, NetworkHash, PresenceDay, Sighting, see


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeSeen:
    """A residence's network was seen last at this time, and in this country where one was known."""

    network: NetworkHash
    last_seen_time: datetime
    country: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """What a batch of one account's sightings changes."""

    devices: tuple[Device, ...]
    presence: tuple[PresenceDay, ...]
    homes: tuple[HomeSeen, ...]


def fold(sightings: Iterable[Sighting], devices: Iterable[Device], homes: Collection[NetworkHash]) -> Fold:
    """Fold one account's new sightings, in any order, into its devices; ``homes`` are its residences' networks."""
    known = {device.device_id: device for device in devices}
    days: dict[tuple[str, date, NetworkHash], PresenceDay] = {}
    seen: dict[NetworkHash, HomeSeen] = {}
    for sighting in sorted(sightings, key=lambda each: (each.event_time, each.sighting_id)):
        client, at_home = sighting.client, sighting.client.network in homes
        known[client.device_id] = see(known.get(client.device_id), client, sighting.event_time, at_home=at_home)
        day = _presence(sighting)
        key = (day.device_id, day.day, day.network)
        days[key] = replace(day, sighting_count=days[key].sighting_count + 1) if key in days else day
        if at_home:
            country = client.country or (seen[client.network].country if client.network in seen else None)
            seen[client.network] = HomeSeen(network=client.network, last_seen_time=sighting.event_time, country=country)
    return Fold(devices=tuple(known.values()), presence=tuple(days.values()), homes=tuple(seen.values()))


def check_times(times: Sequence[datetime], now: datetime, *, ahead: timedelta, behind: timedelta) -> None:
    """Raise INVALID_FIELD naming each sighting that lies too far ahead of now or behind it."""
    violations = [
        FieldViolation(field=f"sightings[{index}].event_time", description=problem)
        for index, time in enumerate(times)
        if (problem := _time_problem(time, now, ahead, behind))
    ]
    if violations:
        detail = ", ".join(violation.field for violation in violations[:3])
        raise ServiceError(ErrorReason.INVALID_FIELD, detail=detail, fields=violations)


def _time_problem(time: datetime, now: datetime, ahead: timedelta, behind: timedelta) -> str:
    if time > now + ahead:
        return f"lies more than {ahead.total_seconds():.0f} s in the future"
    if time < now - behind:
        return f"lies more than {behind.days} days in the past"
    return ""


def _presence(sighting: Sighting) -> PresenceDay:
    client = sighting.client
    return PresenceDay(
        device_id=client.device_id,
        day=sighting.event_time.astimezone(UTC).date(),
        network=client.network,
        country=client.country,
        asn=client.asn,
        sighting_count=1,
    )

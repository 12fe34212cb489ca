"""Sightings taken in: what they change of an account, and which times are impossible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from services.device_trust.domain.history import History
from services.device_trust.domain.learning import observe
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Device, Residence, Sighting, see
from services.device_trust.domain.residences import settle, visited


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """An account after its sightings were taken in; the history is the one that was given, changed in place."""

    devices: tuple[Device, ...]
    residences: tuple[Residence, ...]


def fold(
    history: History,
    sightings: Iterable[Sighting],
    devices: Iterable[Device],
    residences: tuple[Residence, ...],
    policy: Policy,
    crowds: Mapping[bytes, int],
    new_id: Callable[[], UUID],
) -> Fold:
    """Take one account's new sightings in, in the order of their time; ``crowds`` are accounts by network."""
    known = {device.device_id: device for device in devices}
    for sighting in sorted(sightings, key=lambda each: (each.event_time, each.sighting_id)):
        client, at = sighting.client, sighting.event_time
        learned = observe(
            history,
            client,
            at,
            policy,
            crowds.get(client.network, 1),
            start=sighting.start,
            at_residence=any(each.network == client.network for each in residences),
        )
        if learned.found_home:
            residences = settle(history, residences, client, at, policy, new_id())
        elif learned.at_home:
            residences = visited(residences, client, at)
        known[client.device_id] = see(known.get(client.device_id), client, at, at_home=learned.at_home)
    return Fold(devices=tuple(known.values()), residences=residences)


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

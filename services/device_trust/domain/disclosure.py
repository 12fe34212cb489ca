"""What the person is told of the history by which standings are judged: days and places, without hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.device_trust.domain.assessment import Assessment
from services.device_trust.domain.history import WINDOW_DAYS, DeviceUse, History, NetworkUse, Presence
from services.device_trust.domain.records import Device

_EPOCH = date(1970, 1, 1)


def tell_device(device: Device, assessment: Assessment, use: DeviceUse | None) -> Mapping[str, Any]:
    """A device as its household may read of it: what is known, what it is taken for, and why."""
    return {
        "device_id": device.device_id,
        "kind": device.kind,
        "name": device.name,
        "platform": device.platform,
        "first_seen_time": device.first_seen_time,
        "last_seen_time": device.last_seen_time,
        "last_country": device.last_country,
        "account_made_on_it_time": device.member_since,
        "last_home_time": device.last_home_time,
        "cleared_time": device.cleared_time,
        "guest_until": device.guest_until,
        "deferral_deadline": device.deferral_deadline,
        "revoked_time": device.revoked_time,
        "revocation_reason": device.revocation_reason,
        "days_active": use.active_days if use else 0,
        "days_at_home": use.home_days if use else 0,
        "days_in_a_row_at_home": use.longest_stay if use else 0,
        "standing": assessment.verdict.standing,
        "scores": tell_scores(assessment),
        "factors": [
            {"name": each.name, "weight": round(each.weight, 3), "description": each.description}
            for each in assessment.scoring.factors
        ],
    }


def tell_scores(assessment: Assessment) -> Mapping[str, float | None]:
    """How likely each explanation of the device is taken to be; null: not scored."""
    scores = assessment.scoring.scores
    told = {"lives_with_the_household": scores.household, "was_lent_the_password": scores.outsider}
    told["stole_the_password"] = scores.thief
    return {name: round(value, 4) if value is not None else None for name, value in told.items()}


def tell_networks(history: History) -> Iterator[Mapping[str, Any]]:
    """Each network by a number, with the days on which each device was there, as far back as they are kept."""
    for number, network in enumerate(sorted(history.networks.values(), key=lambda each: each.first_day), start=1):
        yield _network(number, network)


def tell_habits(history: History) -> Mapping[str, Any]:
    """What is kept of the account as a whole."""
    return {
        "first_day": _day(history.first_day),
        "making_of_the_account_was_seen": history.founded,
        "active_days": history.active_days,
        "days_a_member_was_at_home": _days(history.home) if history.home else [],
        "starts_at_home_by_hour_utc": history.hours,
        "new_devices_away_from_home": [{"device_id": each, "time": _moment(at)} for at, each in history.newcomers],
        "failed_code_times": [_moment(at) for at in history.failures],
    }


def _network(number: int, network: NetworkUse) -> Mapping[str, Any]:
    return {
        "network": number,
        "country_code": network.country or None,
        "provider_number": network.asn or None,
        "first_day": _day(network.first_day),
        "last_day": _day(network.last_day),
        "last_day_as_a_home": _day(network.home_day) if network.home_day else None,
        "days_by_device": {device_id: _days(presence) for device_id, presence in network.presence.items()},
    }


def _days(presence: Presence) -> list[date]:
    days = (presence.last_day - back for back in range(WINDOW_DAYS) if presence.days >> back & 1)
    return [_day(each) for each in sorted(days)]


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

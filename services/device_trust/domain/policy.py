"""The policy: every number that the rules use, and how long history is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the rules allow. ``services.device_trust.settings`` says where each default comes from."""

    version: str = "known-network-1"
    home_presence: timedelta = timedelta(days=31)
    """How long a device stays a member after it was seen at home."""
    guest_lease: timedelta = timedelta(days=14)
    deferral: timedelta = timedelta(days=7)
    allowance_period: timedelta = timedelta(days=90)
    guest_leases_per_account: int = 3
    guest_leases_per_network: int = 2
    deferrals_per_account: int = 2
    deferrals_per_network: int = 1
    travel_days_per_year: int = 60
    max_residences: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """Which sightings are taken in, and how long what was taken in is kept."""

    sighting_ahead: timedelta = timedelta(minutes=5)
    sighting_age: timedelta = timedelta(days=90)
    """Ids of sightings are kept as long, so that an id is forgotten only when its sighting would be refused."""
    presence: timedelta = timedelta(days=120)
    requests: timedelta = timedelta(days=30)

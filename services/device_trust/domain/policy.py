"""The policy: every number that the rules use, and how long history is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the rules allow. ``services.device_trust.settings`` says where each default comes from."""

    version: str = "household-1"
    home_presence: timedelta = timedelta(days=31)
    """How long a device stays a member after it was seen at home, and again for each day that it was."""
    home_presence_max: timedelta = timedelta(days=240)
    """How long at the most."""
    learning: timedelta = timedelta(days=14)
    """How long an account met in the middle of its life is only watched; twice as long if it is seldom used."""
    learning_active_days: int = 10
    """On how many days it has to have been used by then."""
    tolerated_days: int = 7
    """Days (of 62) on which devices of unknown standing play on a network before they are asked; 0 asks at once."""
    tolerated_days_account: int = 13
    """Days (of 90) on which all of an account's do."""
    thief_threshold: float = 0.3
    """The score from which a sign-in counts as theft."""
    outsider_threshold: float = 0.99
    """The score from which an outsider is asked though days are left to be tolerated."""
    second_household: float = 6.9
    """The weight of evidence (natural logarithm) from which a second household is certain: one error in a thousand."""
    guest_lease: timedelta = timedelta(days=14)
    deferral: timedelta = timedelta(days=7)
    guest_days_90: int = 18
    """Days of 90 on which guests of an account may play, tolerated, put off or bought by a code."""
    guest_days_365: int = 50
    allowance_period: timedelta = timedelta(days=90)
    guest_leases_per_account: int = 3
    guest_leases_per_network: int = 2
    deferrals_per_account: int = 2
    deferrals_per_network: int = 1
    travel_days_per_year: int = 60
    max_residences: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """Which sightings are taken in."""

    sighting_ahead: timedelta = timedelta(minutes=5)
    sighting_age: timedelta = timedelta(days=90)
    """Ids of sightings are kept as long, so that an id is forgotten only when its sighting would be refused."""

"""Factors: each turns the evidence into one of a few classes, in words. The weights of the classes are learned.

``ordered_from`` is the class from which on a higher one may only ever speak more for the household: the learned weights
are held to that order, so that more evidence of home never makes a device less of the household. Class 0 of "network"
stands apart, as nothing known speaks neither way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.device_trust.domain.evidence import Evidence, Level


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorKind:
    """A factor: its name, its classes in words, and how the evidence is put into one of them."""

    name: str
    classes: tuple[str, ...]
    classify: Callable[[Evidence], int]
    ordered_from: int | None = None
    away_from: int | None = None
    """The class from which on a higher one may only ever speak more against the household: one more day at home takes a
    day away, and must not be held against anybody."""
    neutral: int | None = None
    """The class that says nothing is known: it weighs nothing."""
    cap: float = 4.0
    """The largest weight that may be learned. Habits, which differ between services' people, have a low one."""


_KNOWN: Final = (1, 2, 4, 10)
_HOME: Final = (1, 2, 5, 15, 40)
_ALONE: Final = (1, 2, 4, 7, 14)
_CROWD: Final = (2, 10, 40, 200)


def _home_recency(e: Evidence) -> int:
    if e.home_age is None:
        return 0
    return 4 - bisect_right((15, 32, 63), e.home_age)


def _stationary(e: Evidence) -> int:
    if not e.stationary:
        return 0
    return 1 + bisect_right((1, 4, 10), e.alone_days)


def _provider(e: Evidence) -> int:
    if e.provider_share is None:
        return 0
    return 1 + bisect_right((0.002, 0.01, 0.05), e.provider_share)


def _acquaintance(e: Evidence) -> int:
    return 0 if e.founded else 3 - bisect_right((2, 10, 30), e.maturity)


def _hour(e: Evidence) -> int:
    if e.hour_share is None:
        return 0
    return 1 + bisect_right((0.01, 0.05, 0.15), e.hour_share)


FACTORS: Final[tuple[FactorKind, ...]] = (
    FactorKind(
        name="days_away",
        classes=(
            "It was not seen away from home before.",
            "It was seen away from home on one day before.",
            "It was seen away from home on a few days.",
            "It was seen away from home on some days.",
            "It was seen away from home on ten days and more.",
        ),
        classify=lambda e: bisect_right(_KNOWN, e.away_days),
    ),
    FactorKind(
        name="days_at_home",
        classes=(
            "It was never at home.",
            "It was at home on one day.",
            "It was at home on a few days.",
            "It was at home on more than four days.",
            "It was at home for two weeks and more.",
            "It has long lived at home.",
        ),
        classify=lambda e: bisect_right(_HOME, e.home_days),
        ordered_from=0,
    ),
    FactorKind(
        name="last_at_home",
        classes=(
            "It has no day at home to look back on.",
            "It was at home more than two months ago.",
            "It was at home in the last two months.",
            "It was at home in the last month.",
            "It was at home in the last two weeks.",
        ),
        classify=_home_recency,
        ordered_from=0,
    ),
    FactorKind(
        name="network",
        classes=(
            "Nothing is known of where it is.",
            "It is in a country where the household never was.",
            "It is in a country that the household visited.",
            "It is in the household's country, with a provider that the household was never seen with.",
            "It is with a provider that the household uses.",
            "It is in the same block of addresses as the household was.",
            "It is on a network where the household's devices were.",
            "It is on a network where one of the household's devices was lately.",
            "It is on a home network that many accounts share.",
            "It is on a home network.",
        ),
        classify=lambda e: int(e.level),
        ordered_from=1,
        neutral=0,
    ),
    FactorKind(
        name="days_away_alone",
        classes=(
            "It was not seen away from home without company.",
            "It was away from home without company on one day.",
            "It was away from home without company on a few days.",
            "It was away from home without company on more than three days.",
            "It was away from home without company for a week.",
            "It was away from home without company for two weeks and more.",
        ),
        classify=lambda e: bisect_right(_ALONE, e.alone_days),
        away_from=0,
    ),
    FactorKind(
        name="days_apart",
        classes=(
            "On no day did it play elsewhere while others were at home.",
            "On one day it played elsewhere while others were at home.",
            "On a few days it played elsewhere while others were at home.",
            "On more than three days it played elsewhere while others were at home.",
            "On a week's days it played elsewhere while others were at home.",
            "On two weeks' days it played elsewhere while others were at home.",
        ),
        classify=lambda e: bisect_right(_ALONE, e.apart_days),
        away_from=0,
    ),
    FactorKind(
        name="kept_elsewhere",
        classes=(
            "It is a device that people carry.",
            "It is a device that stays where it is.",
            "It stays where it is, and that was elsewhere on some days.",
            "It stays where it is, and that was elsewhere on more than three days.",
            "It stays where it is, and that was elsewhere on ten days and more.",
        ),
        classify=_stationary,
        away_from=1,
    ),
    FactorKind(
        name="away_networks",
        classes=(
            "It has no network of its own away from home.",
            "Away from home it has one network.",
            "Away from home it has two or three networks.",
            "Away from home it has many networks.",
        ),
        classify=lambda e: bisect_right((1, 2, 4), e.away_networks),
    ),
    FactorKind(
        name="crowd",
        classes=(
            "No other account is on its network.",
            "A few accounts share its network.",
            "Tens of accounts share its network.",
            "Many accounts share its network.",
            "Hundreds of accounts share its network.",
        ),
        classify=lambda e: bisect_right(_CROWD, e.crowd),
        cap=0.7,
    ),
    FactorKind(
        name="provider",
        classes=(
            "Its provider is not known.",
            "Hardly any account uses its provider.",
            "Few accounts use its provider.",
            "Some accounts use its provider.",
            "Many accounts use its provider.",
        ),
        classify=_provider,
        neutral=0,
        cap=1.0,
    ),
    FactorKind(
        name="member_near",
        classes=(
            "No device of the household is known to be near.",
            "A device of the household is on its way in another country.",
            "A device of the household is on its way in the same country.",
            "A device of the household is on its way in the same country.",
            "A device of the household is on its way with the same provider.",
            "A device of the household is on its way in the same block of addresses.",
            "A device of the household comes by the same network.",
            "A device of the household stays on the same network.",
        ),
        classify=lambda e: min(int(e.member_near), int(Level.COMPANY)),
    ),
    FactorKind(
        name="home_active",
        classes=("Nobody was at home within three hours.", "Somebody was at home within three hours."),
        classify=lambda e: int(e.home_active),
    ),
    FactorKind(
        name="newcomers",
        classes=(
            "No other new device appeared elsewhere this week.",
            "Another new device appeared elsewhere this week.",
            "Several new devices appeared elsewhere this week.",
        ),
        classify=lambda e: bisect_right((1, 2), e.newcomers),
        cap=0.7,
    ),
    FactorKind(
        name="acquaintance",
        classes=(
            "The account has been known for a month and more, or from its beginning.",
            "The account has been known for some weeks.",
            "The account has been known for some days.",
            "The account has only just been met.",
        ),
        classify=_acquaintance,
    ),
    FactorKind(
        name="profile",
        classes=(
            "Its profile tells nothing.",
            "Its profile was never used at home.",
            "Its profile is used at home.",
        ),
        classify=lambda e: int(e.profile),
        neutral=0,
        cap=1.2,
    ),
    FactorKind(
        name="platform",
        classes=(
            "The household has no device of its kind.",
            "The household has devices of its kind, of other platforms.",
            "The household has devices of its kind and platform.",
        ),
        classify=lambda e: e.same_platform,
        cap=0.7,
    ),
    FactorKind(
        name="hour",
        classes=(
            "The household's hours are not known yet.",
            "The household never plays at this hour.",
            "The household seldom plays at this hour.",
            "The household plays at this hour.",
            "The household mostly plays at this hour.",
        ),
        classify=_hour,
        neutral=0,
        cap=0.7,
    ),
    FactorKind(
        name="leap",
        classes=(
            "It moved no faster than people do.",
            "It was in two countries within two hours this week.",
        ),
        classify=lambda e: int(e.leap),
    ),
    FactorKind(
        name="failures",
        classes=("No code was failed this week.", "A code was failed this week.", "Codes were failed this week."),
        classify=lambda e: bisect_right((1, 2), e.failures),
    ),
)

BY_HAND: Final[tuple[FactorKind, ...]] = (
    FactorKind(
        name="device_key",
        classes=(
            "It shows no key.",
            "It shows another key than before.",
            "It shows a key for the first time.",
            "It shows the key that it always had.",
        ),
        classify=lambda e: int(e.key),
    ),
    FactorKind(
        name="cleared",
        classes=("The owner did not vouch for it.", "The owner vouched for it."),
        classify=lambda e: int(e.cleared),
    ),
)
"""Factors of which the simulator can teach nothing: nobody in it has keys, and what an owner says is taken as said."""

BY_HAND_WEIGHTS: Final[dict[str, dict[str, tuple[float, ...]]]] = {
    "household": {"device_key": (0.0, -1.0, 0.0, 0.5), "cleared": (0.0, 0.0)},
    "outsider": {"device_key": (0.0, 0.0, 0.0, 0.0), "cleared": (0.0, 0.0)},
    "thief": {"device_key": (0.0, 1.5, 0.0, -2.0), "cleared": (0.0, -4.0)},
}
"""In natural logarithms of odds. A household code is no evidence and has no factor."""

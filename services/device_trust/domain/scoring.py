"""Scores: how likely each explanation of a device is, and what spoke for and against.

This is the simple scorer: a few hand-set, uncalibrated weights. Another takes its place behind :data:`Scorer`.
A passed code is no evidence of living somewhere and has no factor; the owner's clearance speaks on theft alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.device_trust.domain.country import Whereabouts, whereabouts
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Facts
from services.device_trust.domain.standing import at_residence, lately_at_home, on_declared_travel


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """One thing that spoke for (weight above zero) or against the household, in words for support staff."""

    name: str
    weight: float
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """How likely each explanation is, 0 to 1; None is unscored, never low."""

    household: float | None = None
    outsider: float | None = None
    thief: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scoring:
    """Scores with the factors that made them."""

    scores: Scores = Scores()
    factors: tuple[Factor, ...] = ()


Scorer = Callable[[Facts, Policy], Scoring]
"""The whole interface of a scorer: a pure function."""


def score_known_network(facts: Facts, policy: Policy) -> Scoring:
    """Score by known networks and countries. Without evidence nothing is scored."""
    factors = (*_presence_factors(facts, policy), *_country_factors(facts))
    if not factors:
        return Scoring()
    weight = sum(factor.weight for factor in factors)
    scores = Scores(
        household=_probability(weight),
        outsider=_probability(-weight) if facts.residences else None,
        thief=_thief(facts),
    )
    return Scoring(scores=scores, factors=factors)


def _presence_factors(facts: Facts, policy: Policy) -> Iterator[Factor]:
    if at_residence(facts):
        yield _factor("network_at_residence", 3.0, "It is on the network of a residence now.")
    elif facts.residences:
        yield _factor("network_elsewhere", -1.0, "Its network is none of the residences'.")
    if facts.device is not None and facts.device.member_since is not None:
        yield _factor("account_created_here", 2.5, "The account was made on it.")
    if lately_at_home(facts, policy):
        yield _factor("lately_at_home", 2.0, f"It was at a residence in the last {policy.home_presence.days} days.")
    elif facts.device is not None and facts.device.last_home_time is not None:
        yield _factor("once_at_home", 0.5, "It was at a residence, though not lately.")


def _country_factors(facts: Facts) -> Iterator[Factor]:
    match whereabouts(facts):
        case Whereabouts.HOME_COUNTRY:
            yield _factor("country_of_residence", 0.5, "It is in the country of a residence.")
        case Whereabouts.FOREIGN if on_declared_travel(facts):
            yield _factor("declared_travel", 0.5, "It is in a country to which the household said it travels.")
        case Whereabouts.FOREIGN:
            yield _factor("foreign_country", -1.5, "It is in a country where the household has no residence.")


def _thief(facts: Facts) -> float | None:
    where = whereabouts(facts)
    if where is Whereabouts.UNKNOWN:
        return None
    device = facts.device
    weight = 1.0 if where is Whereabouts.FOREIGN and not on_declared_travel(facts) else -2.5
    if device is not None and device.cleared_time is not None:
        weight -= 3.0
    if at_residence(facts) or (device is not None and (device.last_home_time or device.member_since) is not None):
        weight -= 3.0
    return _probability(weight)


def _factor(name: str, weight: float, description: str) -> Factor:
    return Factor(name=name, weight=weight, description=description)


def _probability(weight: float) -> float:
    return 1 / (1 + math.exp(-weight))

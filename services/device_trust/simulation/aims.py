"""What the engine is meant to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Figures = Mapping[str, Any]
"""What a collector's ``figures`` tells of a judge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """A figure that shall be at most ``most``."""

    title: str
    most: float
    pick: Callable[[Figures], list[float] | None]

    def value(self, figures: Figures) -> float | None:
        """The figure's estimate."""
        triple = self.pick(figures)
        return None if triple is None else triple[0]


def worst_persona(figures: Figures) -> list[float] | None:
    """The asks of the kind of household that is asked most often."""
    personas = figures["household"]["by_persona"].values()
    known = [found["asked_per_1000_months"] for found in personas if found["asked_per_1000_months"] is not None]
    return max(known, default=None)


AIMS: Final[dict[str, Aim]] = {
    "thief_0.99": Aim(
        title="Household asked at 99 % of thieves",
        most=0.025,
        pick=lambda figures: figures["thief"]["median_household_asked_rate_at_39"]["0.99"],
    ),
    "very_targeted_0.94": Aim(
        title="… at 94 % of very targeted ones",
        most=0.10,
        pick=lambda figures: figures["very_targeted"]["median_household_asked_rate_at_39"]["0.94"],
    ),
    "household_asked": Aim(
        title="Asks per 1000 household-months",
        most=10,
        pick=lambda figures: figures["household"]["asked_per_1000_months"],
    ),
    "household_refused": Aim(
        title="Refusals per 1000 months",
        most=1,
        pick=lambda figures: figures["household"]["refused_per_1000_months"],
    ),
    "worst_persona_asked": Aim(
        title="Asks of the worst-off households",
        most=60,
        pick=worst_persona,
    ),
    "relay_outsider_days_90": Aim(
        title="Relayed outsiders' days in 90",
        most=20,
        pick=lambda figures: figures["relay"]["outsider_days_90"],
    ),
    "relay_outsider_days_365": Aim(
        title="Relayed outsiders' days in 365",
        most=56,
        pick=lambda figures: figures["relay"]["outsider_days_365"],
    ),
    "ece": Aim(
        title="Worst calibration error",
        most=0.02,
        pick=lambda figures: figures["ece"],
    ),
}
"""Each aim by the key under which it is reported."""


def judged(figures: Figures) -> dict[str, dict[str, Any]]:
    """Each aim beside the engine's estimate. What could not be measured is not met."""
    values = {key: aim.value(figures) for key, aim in AIMS.items()}
    return {
        key: {"aim": aim.most, "value": value, "met": value is not None and value <= aim.most}
        for (key, aim), value in zip(AIMS.items(), values.values(), strict=True)
    }

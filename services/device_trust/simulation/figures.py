"""The figures by which a judge is measured, gathered while its answers go by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from services.device_trust.replay.records import Answer, Record
from services.device_trust.simulation.bootstrap import Floats, draws, ratio
from services.device_trust.simulation.calibration import Calibration
from services.device_trust.simulation.outsiders import days_curve, families_of, family_figures, relay_figures
from services.device_trust.simulation.tally import AccountTally
from services.device_trust.simulation.theft import (
    RATES,
    VERY_TARGETED_RATES,
    attackers_of,
    households_of,
    roc,
    shares_asked,
    theft_figures,
)

_THRESHOLDS: Final = 201


class FigureCollector:
    """Takes in answers one by one, and tells the figures. Memory grows with accounts and sign-ins, not with starts.

    A ``namespace`` keeps accounts of like names apart that come from different worlds.
    """

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace
        self._tallies: dict[str, AccountTally] = {}
        self._calibration = Calibration()

    def add(
        self, record: Record, answer: Answer, persona: str | None, actor: str | None, very_targeted: bool = False
    ) -> None:
        """Take in an answered record. ``actor`` is the family of an outsider or thief; what is unknown is None."""
        at = record.time.timestamp()
        key = f"{self._namespace}{record.account}"
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = AccountTally(first=at, last=at, persona=persona)
        tally.add(record, answer, at, actor, very_targeted=very_targeted)
        if record.label is not None:
            self._calibration.add(key, answer.scores, record.label)

    def merge(self, other: FigureCollector) -> None:
        """Take in all that another has taken in. An account is gathered by one alone, else ValueError."""
        if self._tallies.keys() & other._tallies.keys():
            raise ValueError("an account is in both collectors")
        self._tallies.update(other._tallies)
        self._calibration.merge(other._calibration)

    def figures(self, bootstrap: int = 200, seed: int = 0) -> dict[str, Any]:
        """All figures, ready for JSON: each ``[estimate, low, high]`` with a 95 % interval over households, or None."""
        tallies = self._in_order()
        weights = draws(len(tallies), bootstrap=bootstrap, seed=seed)
        by_family = {family: family_figures(tallies, weights, family) for family in families_of(tallies)}
        return {
            **_theft(tallies, weights),
            "household": {**_household(tallies, weights), "by_persona": _by_persona(tallies, weights)},
            "relay": relay_figures(tallies, weights),
            "outsiders": {"by_family": by_family},
            **self._calibration.figures(bootstrap=bootstrap, seed=seed),
            "counts": _counts(tallies),
        }

    def curves(self, bootstrap: int = 200, seed: int = 0) -> dict[str, Any]:
        """What the plots show, ready for JSON.

        ``roc`` and ``trade_off``: shares asked of all household sign-ins and of the attackers. ``reliability``: by
        hypothesis. ``outsider_days``: by family, for days 0 to 365. ``asked_by_persona``: asks per 1000 months.
        """
        tallies = self._in_order()
        weights = draws(len(tallies), bootstrap=bootstrap, seed=seed)
        personas = _by_persona(tallies, weights)
        return {
            **_theft_curves(tallies),
            "reliability": self._calibration.reliability(),
            "outsider_days": {family: days_curve(tallies, family) for family in families_of(tallies)},
            "asked_by_persona": {name: figures["asked_per_1000_months"] for name, figures in personas.items()},
        }

    def _in_order(self) -> list[AccountTally]:
        # The bootstrap draws by place, so the place of an account must not hang on what came first.
        return [self._tallies[key] for key in sorted(self._tallies)]


def _counts(tallies: Sequence[AccountTally]) -> dict[str, int]:
    records = sum(tally.records for tally in tallies)
    sign_ins = sum(tally.sign_ins for tally in tallies)
    return {"records": records, "accounts": len(tallies), "sign_ins": sign_ins, "starts": records - sign_ins}


def _theft(tallies: Sequence[AccountTally], weights: Floats) -> dict[str, Any]:
    households = households_of(tallies)
    targeted = attackers_of(tallies, very_targeted=True)
    return {
        "thief": theft_figures(households, attackers_of(tallies), weights, RATES),
        "very_targeted": theft_figures(households, targeted, weights, VERY_TARGETED_RATES),
    }


def _household(tallies: Sequence[AccountTally], weights: Floats, persona: str | None = None) -> dict[str, Any]:
    """How often households are bothered, all or one persona's. Accounts without any household label do not count."""
    counted = [tally.household and persona in (None, tally.persona) for tally in tallies]
    months = np.array([tally.months for tally in tallies]) * np.array(counted, dtype=np.float64)
    asked = np.array([1000.0 * tally.asked.count for tally in tallies]) * (months > 0)
    refused = np.array([1000.0 * tally.refused.count for tally in tallies]) * (months > 0)
    return {
        "months": round(float(months.sum()), 4),
        "asked_per_1000_months": ratio(weights, asked, months),
        "refused_per_1000_months": ratio(weights, refused, months),
    }


def _by_persona(tallies: Sequence[AccountTally], weights: Floats) -> dict[str, dict[str, Any]]:
    personas = sorted({tally.persona for tally in tallies if tally.persona is not None})
    return {persona: _household(tallies, weights, persona) for persona in personas}


def _theft_curves(tallies: Sequence[AccountTally]) -> dict[str, Any]:
    households = households_of(tallies)
    attackers = {"thief": attackers_of(tallies), "very_targeted": attackers_of(tallies, very_targeted=True)}
    at = np.linspace(0, 1, _THRESHOLDS)
    trade_off = {name: shares_asked(found.scores, at) for name, found in attackers.items()}
    return {
        "roc": {name: roc(households, found) for name, found in attackers.items()},
        "trade_off": {
            "threshold": [round(float(threshold), 6) for threshold in at],
            "household": shares_asked(households.scores, at),
            **trade_off,
        },
    }

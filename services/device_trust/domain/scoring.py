"""Scores: how likely each explanation of a device is, and what spoke for and against.

Three explanations are scored apart: it lives with the household, it was lent the password, it stole it. Each score is a
sum of the weights of the factors' classes, turned into a probability by a curve that was calibrated on people whose
label is known. A passed code is no evidence of living somewhere and has no factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.device_trust.domain.evidence import Evidence
from services.device_trust.domain.factors import BY_HAND, FACTORS, FactorKind
from services.device_trust.domain.model import Hypothesis, Model

_KINDS: Final = (*FACTORS, *BY_HAND)
_TOLD: Final = 0.05
"""A factor of less weight than this is not worth a sentence."""


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


Scorer = Callable[[Evidence], Scoring]
"""The whole interface of a scorer: a pure function."""


def classify(evidence: Evidence) -> tuple[int, ...]:
    """The class of each factor, learned ones first."""
    return tuple(kind.classify(evidence) for kind in _KINDS)


def scorer(model: Model) -> Scorer:
    """The scorer with a model's numbers. Everything that a class says is made once: this stands on the hot path."""
    hypotheses = (model.household, model.outsider, model.thief)
    table = [
        (kind.classify, [_row(kind, number, hypotheses, index) for number in range(len(kind.classes))])
        for index, kind in enumerate(_KINDS)
    ]

    def score(evidence: Evidence) -> Scoring:
        if not evidence.has_home:
            return Scoring()
        household, outsider, thief = (each.bias for each in hypotheses)
        told: list[Factor] = []
        for classify_one, rows in table:
            weights, factor = rows[classify_one(evidence)]
            household += weights[0]
            outsider += weights[1]
            thief += weights[2]
            if factor is not None:
                told.append(factor)
        told.sort(key=_strength)
        return Scoring(
            scores=Scores(
                household=model.household.probability(household),
                outsider=model.outsider.probability(outsider),
                thief=model.thief.probability(thief),
            ),
            factors=tuple(told),
        )

    return score


_Row = tuple[tuple[float, float, float], Factor | None]


def _row(kind: FactorKind, number: int, hypotheses: tuple[Hypothesis, ...], index: int) -> _Row:
    """The weights of a class for the three explanations, and what is told of it, if it is worth a sentence."""
    household, outsider, thief = (each.weights[index][number] for each in hypotheses)
    told = Factor(name=kind.name, weight=household, description=kind.classes[number])
    return (household, outsider, thief), told if abs(household) >= _TOLD else None


def _strength(factor: Factor) -> float:
    """What weighed most comes first."""
    return -abs(factor.weight)

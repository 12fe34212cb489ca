"""The scorer's learned numbers: weights of the factors' classes, and the isotonic curves that make them probabilities.

They stand in ``model.json``, which ``hearthgate simulate --fit`` writes from the development families of the simulator.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from services.device_trust.domain.factors import BY_HAND, BY_HAND_WEIGHTS, FACTORS

HYPOTHESES: Final = ("household", "outsider", "thief")
_DEFAULT: Final = Path(__file__).with_name("model.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hypothesis:
    """One explanation's weights, in natural logarithms of odds, and its calibration.

    ``weights`` has a tuple of class weights for each factor of ``FACTORS``, then of ``BY_HAND``. ``knots`` are sums of
    weights, ascending; ``levels`` the probabilities that were observed at them, ascending; between two knots the
    probability is interpolated.
    """

    bias: float
    weights: tuple[tuple[float, ...], ...]
    knots: tuple[float, ...]
    levels: tuple[float, ...]

    def probability(self, weight: float) -> float:
        """The calibrated probability of a sum of weights, bias included."""
        knots, levels = self.knots, self.levels
        at = bisect_right(knots, weight)
        if at == 0:
            return levels[0]
        if at == len(knots):
            return levels[-1]
        left, right = knots[at - 1], knots[at]
        return levels[at - 1] + (levels[at] - levels[at - 1]) * (weight - left) / (right - left)

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> Self:
        """Out of the file. Raises ValueError, naming the factor, where it does not fit the factors of this version."""
        learned = []
        for kind in FACTORS:
            weights = tuple(float(each) for each in data["weights"].get(kind.name, ()))
            if len(weights) != len(kind.classes):
                raise ValueError(f"{name}.weights.{kind.name}: {len(kind.classes)} weights are needed")
            learned.append(weights)
        by_hand = [BY_HAND_WEIGHTS[name][kind.name] for kind in BY_HAND]
        return cls(
            bias=float(data["bias"]),
            weights=(*learned, *by_hand),
            knots=tuple(float(each) for each in data["knots"]),
            levels=tuple(float(each) for each in data["levels"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The three explanations, scored apart."""

    version: str
    household: Hypothesis
    outsider: Hypothesis
    thief: Hypothesis

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Out of the file's JSON. Raises ValueError where it does not fit this version."""
        by_name = {name: Hypothesis.of(name, data[name]) for name in HYPOTHESES}
        return cls(version=str(data["version"]), **by_name)


def blank_model() -> Model:
    """A model that has learned nothing and suspects nobody: what the first fit begins with."""
    learned = {kind.name: [0.0] * len(kind.classes) for kind in FACTORS}
    blank = {"bias": 0.0, "weights": learned, "knots": [-100.0, 100.0], "levels": [0.0, 0.001]}
    return Model.of({"version": "blank", **dict.fromkeys(HYPOTHESES, blank)})


@cache
def default_model() -> Model:
    """The model that is shipped."""
    return Model.of(json.loads(_DEFAULT.read_text()))

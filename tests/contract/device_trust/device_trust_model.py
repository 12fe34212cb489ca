"""A plain model, so that no test rests on the numbers of the shipped one: the scorer is real, its weights are ours."""

from __future__ import annotations

from typing import Any

from services.device_trust.domain.evidence import Level
from services.device_trust.domain.factors import FACTORS
from services.device_trust.domain.model import HYPOTHESES, Model


def plain_model_data() -> dict[str, Any]:
    """A home speaks for the household, another country for theft, another network in the country for an outsider."""
    data: dict[str, Any] = {"version": "plain"}
    for name in HYPOTHESES:
        weights = {kind.name: [0.0] * len(kind.classes) for kind in FACTORS}
        data[name] = {"bias": 0.0, "weights": weights, "knots": [-4.0, 4.0], "levels": [0.02, 0.98]}
    home = [0.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]
    data["household"]["weights"]["network"] = home
    data["outsider"]["weights"]["network"] = [0.0, *(-weight for weight in home[1:])]
    data["thief"]["bias"] = -4.0
    data["thief"]["weights"]["network"][Level.FOREIGN] = 7.5
    return data


def plain_model() -> Model:
    """The model of that data: an unknown device in a foreign country scores 0.92 as a thief, another one 0.02."""
    return Model.of(plain_model_data())

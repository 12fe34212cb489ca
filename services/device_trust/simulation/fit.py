"""The fit of the scorer's numbers to the development families of the simulator: ``hearthgate simulate --fit FILE``.

Each explanation's weights are those of a logistic regression (ridge penalty) over the factors' classes, with the
weights of ordered factors held to their order; its curve is the isotonic regression of the label on the sum of weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.optimize import isotonic_regression, minimize

from services.device_trust.domain.factors import FACTORS, FactorKind
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.model import HYPOTHESES, Model, blank_model
from services.device_trust.domain.scoring import classify
from services.device_trust.replay.engine import Engine
from services.device_trust.replay.records import Label, Record
from services.device_trust.simulation.parameters import Parameters, ParametersError, load_parameters
from services.device_trust.simulation.world.world import World

_ROUTINE_KEPT: Final = 0.02
"""Of the starts of long-known devices at home so many are kept, each with the weight of those left out."""
_RIDGE: Final = 2.0
_KNOTS: Final = 60
_MARGIN: Final = 0.05
"""No probability is nearer to 0 or 1 than this many records of the sample would be: see ``_curve``."""
FIT_ACCOUNTS: Final = 300
FIT_DAYS: Final = 400
FIT_SEEDS: Final = 4
FIT_VERSION: Final = "household-1"
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Sample:
    """Records of the development families: the factors' classes, who it was, and for how many it stands."""

    random: Random
    classes: list[tuple[int, ...]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def watch(self, record: Record, facts: Facts) -> None:
        """Keep a record that the engine answered; routine ones now and then."""
        evidence = facts.evidence
        if record.label is None or not evidence.has_home:
            return
        routine = record.label is Label.HOUSEHOLD and evidence.home_days > 2 and evidence.known_days > 10
        if routine and self.random.random() >= _ROUTINE_KEPT:
            return
        self.classes.append(classify(evidence)[: len(FACTORS)])
        self.labels.append(record.label.value)
        self.weights.append(1 / _ROUTINE_KEPT if routine else 1.0)


def draw_sample(
    parameters: Parameters,
    model: Model,
    seed: int,
    accounts: int,
    days: int,
    progress: Callable[[float], None] | None = None,
) -> Sample:
    """Live through the development families with the engine and a model, and keep what it saw."""
    sample = Sample(random=Random(seed))
    world = World(parameters, seed=seed, use="development", accounts=accounts, days=days)
    world.run(Engine(model=model, watch=sample.watch), None, progress)
    return sample


def fit(samples: list[Sample], version: str) -> dict[str, Any]:
    """The model as it is written: weights and curves of the three explanations."""
    classes = np.array([each for sample in samples for each in sample.classes], dtype=np.int64)
    labels = np.array([each for sample in samples for each in sample.labels])
    weights = np.array([each for sample in samples for each in sample.weights], dtype=np.float64)
    model: dict[str, Any] = {"version": version}
    for name in HYPOTHESES:
        model[name] = _fit_one(classes, (labels == name).astype(np.float64), weights, rising=name == "household")
    return model


def run_fit(
    path: Path,
    *,
    parameters: Path | None = None,
    accounts: int | None = None,
    days: int | None = None,
    seeds: Sequence[int] | None = None,
    jobs: int | None = None,
    quiet: bool = False,
) -> int:
    """Fit the model from nothing and write it; the exit code. 1: the parameters can't be used.

    Each seed is a world of ``accounts`` households, lived through with a scorer that has learned nothing.
    """
    notes = Console(stderr=True, quiet=quiet)
    try:
        loaded = load_parameters(parameters)
    except ParametersError as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False)
        return 1
    worlds = [
        (loaded, blank_model(), seed, accounts or FIT_ACCOUNTS, days or FIT_DAYS)
        for seed in seeds or loaded.development_seeds[:FIT_SEEDS]
    ]
    with ProcessPoolExecutor(jobs or 2, mp_context=get_context("spawn")) as pool:
        living = pool.map(_draw, worlds)
        samples = list(track(living, "Living", total=len(worlds), console=notes, transient=True))
    write_model(fit(samples, FIT_VERSION), path)
    count = sum(len(sample.labels) for sample in samples)
    notes.print(f"{path} is written, from {count:,} records.", highlight=False)
    return 0


def _draw(world: tuple[Parameters, Model, int, int, int]) -> Sample:
    return draw_sample(*world)


def write_model(model: dict[str, Any], path: Path) -> None:
    """Write the model, a factor a line, so that a change of it can be read."""
    path.write_text(json.dumps(model, indent=1) + "\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """How the parameters of the regression become the weights of all classes: ``weights = matrix @ parameters``."""

    matrix: Floats
    bounds: list[tuple[float, float]]
    offsets: list[int]


def _layout(*, rising: bool) -> _Layout:
    """Free weights for unordered classes; steps of one sign for ordered ones."""
    columns: list[Floats] = []
    bounds: list[tuple[float, float]] = []
    offsets: list[int] = []
    total = sum(len(kind.classes) for kind in FACTORS)
    at = 0
    for kind in FACTORS:
        offsets.append(at)
        for number in range(len(kind.classes)):
            column = np.zeros(total)
            first = kind.ordered_from if kind.ordered_from is not None else kind.away_from
            stepped = first is not None and number >= first
            column[at + number : at + (len(kind.classes) if stepped else number + 1)] = 1.0
            columns.append(column)
            up = rising if kind.away_from is None else not rising
            bounds.append(_bound(kind, number, ordered=first is not None and number > first, rising=up))
        at += len(kind.classes)
    return _Layout(matrix=np.array(columns).T, bounds=bounds, offsets=offsets)


def _bound(kind: FactorKind, number: int, *, ordered: bool, rising: bool) -> tuple[float, float]:
    """Between which a weight, or the step from the class before it, has to lie."""
    if number == kind.neutral:
        return (0.0, 0.0)
    if ordered:
        return (0.0, kind.cap) if rising else (-kind.cap, 0.0)
    return (-kind.cap, kind.cap)


def _fit_one(classes: NDArray[np.int64], truth: Floats, weights: Floats, *, rising: bool) -> dict[str, Any]:
    layout = _layout(rising=rising)
    bias, learned = _regress(classes + np.array(layout.offsets), truth, weights, layout)
    sums = bias + learned[classes + np.array(layout.offsets)].sum(axis=1)
    knots, levels = _curve(sums, truth, weights)
    return {
        "bias": round(float(bias), 4),
        "weights": {
            kind.name: [round(float(each), 4) for each in learned[at : at + len(kind.classes)]]
            for kind, at in zip(FACTORS, layout.offsets, strict=True)
        },
        "knots": knots,
        "levels": levels,
    }


def _regress(index: NDArray[np.int64], truth: Floats, weights: Floats, layout: _Layout) -> tuple[float, Floats]:
    """The ridge logistic regression, by L-BFGS within the bounds."""
    unique, inverse = np.unique(index, axis=0, return_inverse=True)
    positive = np.bincount(inverse, weights * truth, len(unique))
    total = np.bincount(inverse, weights, len(unique))
    size = layout.matrix.shape[0]
    design = np.zeros((len(unique), size))
    np.put_along_axis(design, unique, 1.0, axis=1)
    design = design @ layout.matrix

    def loss(parameters: Floats) -> tuple[float, Floats]:
        sums = parameters[0] + design @ parameters[1:]
        value = float(
            (total * np.logaddexp(0, sums) - positive * sums).sum() + _RIDGE / 2 * (parameters[1:] ** 2).sum()
        )
        slope = total / (1 + np.exp(-sums)) - positive
        return value, np.concatenate([[slope.sum()], design.T @ slope + _RIDGE * parameters[1:]])

    start = np.zeros(design.shape[1] + 1)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *layout.bounds], options={"maxiter": 800}
    )
    return float(found.x[0]), layout.matrix @ found.x[1:]


def _curve(sums: Floats, truth: Floats, weights: Floats) -> tuple[list[float], list[float]]:
    """The isotonic curve, thinned to knots of equal mass on the logarithmic scale of what lies above and below."""
    order = np.argsort(sums, kind="stable")
    sums, truth, weights = sums[order], truth[order], weights[order]
    fitted = isotonic_regression(truth, weights=weights).x
    edges = np.unique(_quantiles(weights, truth))
    knots, levels = [], []
    for low, high in pairwise(edges):
        mass = weights[low:high]
        knots.append(float(np.average(sums[low:high], weights=mass)))
        hits = float((fitted[low:high] * mass).sum())
        levels.append((hits + _MARGIN) / (float(mass.sum()) + 2 * _MARGIN))
    return _rising(knots, levels)


def _quantiles(weights: Floats, truth: Floats) -> NDArray[np.int64]:
    """Edges that part both the records with the label and those without it into pieces of equal mass."""
    edges = [0, len(weights)]
    for mass in (weights * truth, weights * (1 - truth)):
        running = np.cumsum(mass) / max(mass.sum(), 1e-12)
        edges += list(np.searchsorted(running, np.linspace(0, 1, _KNOTS // 2 + 1)[1:-1]))
    return np.array(edges, dtype=np.int64)


def _rising(knots: list[float], levels: list[float]) -> tuple[list[float], list[float]]:
    kept: list[tuple[float, float]] = []
    for knot, level in zip(knots, levels, strict=True):
        if kept and knot - kept[-1][0] < 1e-4:
            continue
        kept.append((knot, max(level, kept[-1][1]) if kept else level))
    return [round(knot, 4) for knot, _ in kept], [round(level, 6) for _, level in kept]

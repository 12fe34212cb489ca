"""Whether two sets of times can be told apart: the statistic, its interval, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MARGIN: Final = 0.1
"""Around 0.5. With an AUC of 0.6, whoever bets on the slower of one known and one unknown address is right six times
in ten: so many tries for one address as cannot be had while sign-ins are shed, limited and told to the owner."""
_DRAWS: Final = 2_000
_Z: Final = 1.96

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Of known and unknown addresses. ``auc``: the chance that a known one took longer, Mann-Whitney's U over pairs."""

    known: int
    unknown: int
    known_ms: float
    unknown_ms: float
    auc: float
    auc_low: float
    auc_high: float
    shift_ms: float
    shift_low_ms: float
    shift_high_ms: float

    @property
    def verdict(self) -> str:
        """By the 95 % interval of the AUC: within the margin around 0.5, outside of it, or neither."""
        if abs(self.auc_low - 0.5) <= MARGIN and abs(self.auc_high - 0.5) <= MARGIN:
            return "indistinguishable"
        if self.auc_low > 0.5 + MARGIN or self.auc_high < 0.5 - MARGIN:
            return "told apart"
        return "undecided"

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "verdict": self.verdict}


def compare(known: Sequence[float], unknown: Sequence[float]) -> Comparison:
    """The AUC with a bootstrap interval, and the Hodges-Lehmann shift with that of Mann-Whitney's ranks; in ms."""
    first, second = np.asarray(known), np.asarray(unknown)
    source = np.random.default_rng(1)
    draws = [_auc(_draw(source, first), _draw(source, second)) for _ in range(_DRAWS)]
    low, high = np.percentile(draws, [2.5, 97.5])
    shift, shift_low, shift_high = _shift(first, second)
    return Comparison(
        known=len(first),
        unknown=len(second),
        known_ms=_rounded(np.median(first)),
        unknown_ms=_rounded(np.median(second)),
        auc=_rounded(_auc(first, second)),
        auc_low=_rounded(low),
        auc_high=_rounded(high),
        shift_ms=_rounded(shift),
        shift_low_ms=_rounded(shift_low),
        shift_high_ms=_rounded(shift_high),
    )


def _auc(first: Values, second: Values) -> float:
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, "left") + np.searchsorted(ordered, first, "right")
    return float(below.sum() / 2 / len(first) / len(second))


def _draw(source: np.random.Generator, values: Values) -> Values:
    return source.choice(values, len(values))


def _shift(first: Values, second: Values) -> tuple[float, float, float]:
    differences = np.sort(np.subtract.outer(first, second).ravel())
    pairs, both = len(differences), len(first) + len(second)
    reach = _Z * np.sqrt(pairs * (both + 1) / 12)
    low = max(0, int(np.floor(pairs / 2 - reach)))
    return float(np.median(differences)), float(differences[low]), float(differences[pairs - 1 - low])


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 3)

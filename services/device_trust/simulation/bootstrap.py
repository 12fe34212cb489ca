"""Intervals of 95 % by the bootstrap over households: what a household does hangs together, so it is drawn as a whole.

Efron, B. and Tibshirani, R. (1993), An Introduction to the Bootstrap, chapter 13: the percentile interval.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Triple = list[float]
"""An estimate with the low and the high end of its interval."""

_LOW_AND_HIGH: Final = (2.5, 97.5)
_DIGITS: Final = 6


def draws(units: int, *, bootstrap: int, seed: int) -> Floats:
    """How often each unit is drawn: a row for the estimate, in which each counts once, then a row a replicate."""
    ones = np.ones((1, units))
    if not units or not bootstrap:
        return ones
    rng = np.random.default_rng(seed)
    return np.vstack([ones, rng.multinomial(units, np.full(units, 1 / units), size=bootstrap)])


def interval(values: Floats) -> Triple | None:
    """The estimate (first value) with the percentiles of the rest; None where there is no estimate.

    The ends are drawn out to the estimate where they miss it: a figure that cannot fall below zero, as an error of
    calibration, comes out higher in nearly every replicate.
    """
    estimate, rest = float(values[0]), values[1:]
    if not np.isfinite(estimate):
        return None
    rest = rest[np.isfinite(rest)]
    low, high = np.percentile(rest, _LOW_AND_HIGH) if rest.size else (estimate, estimate)
    return [round(number, _DIGITS) for number in (estimate, min(float(low), estimate), max(float(high), estimate))]


def ratios(weights: Floats, above: Floats, below: Floats) -> Floats:
    """A ratio of two sums over units, by replicate; not a number where nothing stands below."""
    numerator, denominator = weights @ above, weights @ below
    result: Floats = np.full(len(weights), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def ratio(weights: Floats, above: Floats, below: Floats) -> Triple | None:
    """A ratio of two sums over units with its interval."""
    return interval(ratios(weights, above, below))

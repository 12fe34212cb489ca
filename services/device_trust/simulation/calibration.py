"""How far scores are from the shares that they promise: the expected calibration error.

Guo, C. et al. (2017), On Calibration of Modern Neural Networks: the mean over bins, by their mass, of the distance
between the mean score and the share that proved true. The 15 bins are of equal mass, not of equal width (Nixon, J. et
al. (2019), Measuring Calibration in Deep Learning): nearly all scores stand close to 0 or 1, where bins of equal width
would lump them into one whose errors cancel out.
"""

from __future__ import annotations

from math import log
from typing import Any, Final
from zlib import crc32

import numpy as np

from services.device_trust.replay.records import AnswerScores, Label
from services.device_trust.simulation.bootstrap import Floats, Triple, draws, interval

HYPOTHESES: Final = (Label.HOUSEHOLD, Label.OUTSIDER, Label.THIEF)
_GROUPS: Final = 64
_FINE: Final = 1000
_FURTHEST: Final = 12.0
"""Log odds beyond which scores share a bin: chances of one in 160 000."""
_BINS: Final = 15
_MASS, _SCORE, _TRUE = range(3)


class Calibration:
    """Scores and what proved true, by group of accounts, hypothesis and fine bin.

    To bound the memory, accounts are put into 64 groups by a hash, and scores into 1000 fine bins whose sums are exact;
    the bootstrap draws groups. Fine bins are of equal width in log odds, to tell small chances and near certainties.
    None is ever split, so bins of equal mass are equal only as far as those allow.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((3, _GROUPS, len(HYPOTHESES), _FINE))

    def add(self, account: str, scores: AnswerScores, label: Label) -> None:
        """Take in the scores of an answer whose label is known."""
        group = crc32(account.encode()) % _GROUPS
        for index, score in enumerate((scores.household, scores.outsider, scores.thief)):
            if score is not None:
                place = (group, index, _fine_bin(score))
                self._sums[_MASS][place] += 1
                self._sums[_SCORE][place] += score
                self._sums[_TRUE][place] += HYPOTHESES[index] is label

    def merge(self, other: Calibration) -> None:
        """Take in all that another has taken in."""
        self._sums += other._sums

    def figures(self, *, bootstrap: int, seed: int) -> dict[str, Any]:
        """``ece``, the worst of the three, and ``ece_by_hypothesis``."""
        errors = self._errors(draws(_GROUPS, bootstrap=bootstrap, seed=seed))
        scored = np.isfinite(errors).any(axis=1)
        worst = np.full(len(errors), np.nan)
        worst[scored] = np.nanmax(errors[scored], axis=1)
        by_hypothesis: dict[str, Triple | None] = {
            label.value: interval(errors[:, index]) for index, label in enumerate(HYPOTHESES)
        }
        return {"ece": interval(worst), "ece_by_hypothesis": by_hypothesis}

    def reliability(self) -> dict[str, dict[str, list[float]]]:
        """By hypothesis and bin: the mean ``score``, the share ``observed`` to be true, and the bin's ``share``."""
        return {
            label.value: _reliability(self._sums[:, :, index].sum(axis=1)) for index, label in enumerate(HYPOTHESES)
        }

    def _errors(self, weights: Floats) -> Floats:
        drawn = np.einsum("rg,sghb->rhsb", weights, self._sums, optimize=True)
        return np.array([[_error(sums) for sums in replicate] for replicate in drawn])


def _fine_bin(score: float) -> int:
    if not 0 < score < 1:
        return 0 if score <= 0 else _FINE - 1
    along = (log(score / (1 - score)) + _FURTHEST) / (2 * _FURTHEST)
    return min(max(int(along * _FINE), 0), _FINE - 1)


def _error(sums: Floats) -> float:
    bins = _bins(sums)
    total = bins[_MASS].sum()
    return float(np.abs(bins[_SCORE] - bins[_TRUE]).sum() / total) if total else float("nan")


def _bins(sums: Floats) -> Floats:
    """Bins of equal mass: each fine bin goes where the middle of its mass falls."""
    upto = np.cumsum(sums[_MASS])
    if not upto[-1]:
        return np.zeros((3, _BINS))
    middle = (upto - sums[_MASS] / 2) / upto[-1]
    place = np.minimum((middle * _BINS).astype(np.int64), _BINS - 1)
    return np.array([np.bincount(place, weights=row, minlength=_BINS) for row in sums])


def _reliability(sums: Floats) -> dict[str, list[float]]:
    bins = _bins(sums)
    mass, score, true = bins[:, bins[_MASS] > 0]
    return {
        "score": [round(float(value), 6) for value in score / mass],
        "observed": [round(float(value), 6) for value in true / mass],
        "share": [round(float(value), 6) for value in mass / max(mass.sum(), 1)],
    }

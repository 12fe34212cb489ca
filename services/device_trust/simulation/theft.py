"""How well thieves are told from the household, whatever the threshold.

Wiefling, S., Dürmuth, M. and Lo Iacono, L. (2021), What's in Score for Website Users: A Data-Driven Long-Term Study on
Risk-Based Authentication Characteristics: for a share of attackers that shall be asked, how often is the household?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.device_trust.simulation.bootstrap import Floats, Triple, interval, ratio
from services.device_trust.simulation.tally import AccountTally

RATES: Final = ("0.97", "0.98", "0.99", "0.995", "0.999")
VERY_TARGETED_RATES: Final = ("0.94", *RATES)
FIRST_SIGN_INS: Final = 39
"""Sign-ins by which a household's rate is told: its first after the one it was met with."""
_CURVE_POINTS: Final = 400
_ROUNDING: Final = 1e-9

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Households:
    """The household's sign-ins: thief scores with the index of their account."""

    scores: Floats
    account: Indices
    first_scores: Floats
    """Of accounts with enough sign-ins: a row of their first ones."""
    first_account: Indices


@dataclass(frozen=True, kw_only=True, slots=True)
class Attackers:
    """The attackers: thief scores with the index of their account, and whether they were asked."""

    scores: Floats
    account: Indices
    asked: Floats


def households_of(tallies: Sequence[AccountTally]) -> Households:
    """The sign-ins of all households, but for the one with which each was met: it has no history to be judged by."""
    scores = [np.asarray(tally.scores[1:]) for tally in tallies]
    long = [index for index, each in enumerate(scores) if len(each) >= FIRST_SIGN_INS]
    return Households(
        scores=np.concatenate([np.zeros(0), *scores]),
        account=np.repeat(np.arange(len(tallies)), [len(each) for each in scores]).astype(np.int64),
        first_scores=np.array([scores[index][:FIRST_SIGN_INS] for index in long]).reshape(-1, FIRST_SIGN_INS),
        first_account=np.array(long, dtype=np.int64),
    )


def attackers_of(tallies: Sequence[AccountTally], *, very_targeted: bool = False) -> Attackers:
    """All attackers, or those that are very targeted alone."""
    found = [
        (attacker.score, index, attacker.asked)
        for index, tally in enumerate(tallies)
        for attacker in tally.attackers.values()
        if attacker.very_targeted or not very_targeted
    ]
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return Attackers(scores=table[:, 0], account=table[:, 1].astype(np.int64), asked=table[:, 2])


def theft_figures(
    households: Households, attackers: Attackers, weights: Floats, rates: Sequence[str]
) -> dict[str, Any]:
    """How often households are asked where shares (``rates``) of the attackers are, by weights of accounts."""
    medians: dict[str, Triple | None] = {}
    means: dict[str, Triple | None] = {}
    for rate in rates:
        at = thresholds(attackers, weights, float(rate))
        medians[rate], means[rate] = _asked_at(at, households, weights)
    drawn = weights[:, attackers.account]
    return {
        "attackers": len(attackers.scores),
        "median_household_asked_rate_at_39": medians,
        "mean_household_asked_rate_at_39": means,
        "asked_rate": ratio(drawn, attackers.asked, np.ones_like(attackers.asked)),
        "auc": interval(_auc(households, attackers, weights)),
    }


def thresholds(attackers: Attackers, weights: Floats, rate: float) -> Floats:
    """By replicate, the largest score at which at least the share ``rate`` of the attackers is asked."""
    if not len(attackers.scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-attackers.scores, kind="stable")
    upto = np.cumsum(weights[:, attackers.account[order]], axis=1)
    reached = upto >= rate * upto[:, -1:] - _ROUNDING
    found: Floats = attackers.scores[order][reached.argmax(axis=1)]
    return np.where(upto[:, -1] > 0, found, np.nan)


def _asked_at(at: Floats, households: Households, weights: Floats) -> tuple[Triple | None, Triple | None]:
    medians, means = np.full(len(at), np.nan), np.full(len(at), np.nan)
    for threshold in np.unique(at[~np.isnan(at)]):
        asked = (households.first_scores >= threshold).mean(axis=1)
        for replicate in np.flatnonzero(at == threshold):
            drawn = np.repeat(asked, weights[replicate, households.first_account].astype(np.int64))
            if drawn.size:
                medians[replicate], means[replicate] = np.median(drawn), drawn.mean()
    return interval(medians), interval(means)


def _auc(households: Households, attackers: Attackers, weights: Floats) -> Floats:
    """The chance that an attacker's score is above a household sign-in's; a tie counts half (Mann and Whitney 1947)."""
    result: Floats = np.full(len(weights), np.nan)
    values, rank = np.unique(np.concatenate([households.scores, attackers.scores]), return_inverse=True)
    of_households, of_attackers = np.split(rank, [len(households.scores)])
    for replicate, drawn in enumerate(weights):
        below = np.bincount(of_households, weights=drawn[households.account], minlength=len(values))
        above = np.bincount(of_attackers, weights=drawn[attackers.account], minlength=len(values))
        pairs = below.sum() * above.sum()
        if pairs:
            result[replicate] = above @ (np.cumsum(below) - below / 2) / pairs
    return result


def roc(households: Households, attackers: Attackers) -> dict[str, list[float]]:
    """Shares asked, of the ``household`` sign-ins and of the ``attackers``, from the strictest threshold down."""
    if not len(attackers.scores) or not len(households.scores):
        return {"household": [], "attackers": []}
    both = np.unique(np.concatenate([households.scores, attackers.scores]))[::-1]
    at = both[np.unique(np.linspace(0, len(both) - 1, _CURVE_POINTS).astype(np.int64))]
    asked = {"household": households.scores, "attackers": attackers.scores}
    return {name: [0.0, *shares_asked(scores, at)] for name, scores in asked.items()}


def shares_asked(scores: Floats, at: Floats) -> list[float]:
    """The share of scores at or above each threshold."""
    if not len(scores):
        return []
    below = np.searchsorted(np.sort(scores), at, side="left")
    return [round(float(share), 6) for share in 1 - below / len(scores)]

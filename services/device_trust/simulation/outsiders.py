"""On how many days outsiders could play, by family.

Few logs follow every account for a year after its first outsider, and a mean over those alone would be thin. The mean
cumulative function takes each account in for as long as it is followed, and is the plain mean where all are: Nelson, W.
(1988), Graphical Analysis of System Repair Data, Journal of Quality Technology 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from services.device_trust.simulation.bootstrap import Floats, interval, ratio
from services.device_trust.simulation.tally import DAY, LONGEST, AccountTally

_HORIZONS: Final = (90, 365)
_RELAY: Final = "relay"
_SLACK: Final = 2
"""Days by which a log may fall short of a horizon: its last answers seldom come at its very end."""


def families_of(tallies: Sequence[AccountTally]) -> list[str]:
    """All families of outsiders that were met."""
    return sorted({family for tally in tallies for family in tally.outsiders})


def relay_figures(tallies: Sequence[AccountTally], weights: Floats) -> dict[str, Any]:
    """Days of all families whose owners forward codes."""
    return _days_figures(tallies, weights, [name for name in families_of(tallies) if name.startswith(_RELAY)])


def family_figures(tallies: Sequence[AccountTally], weights: Floats, family: str) -> dict[str, Any]:
    """Days of a family, and the shares of its accounts in which it was ever refused or asked."""
    present = _present(tallies, [family])
    met = [tally.outsiders.get(family) for tally in tallies]
    refused = np.array([found is not None and found.refused for found in met], dtype=np.float64)
    asked = np.array([found is not None and found.asked for found in met], dtype=np.float64)
    shares = {"refused_share": ratio(weights, refused, present), "asked_share": ratio(weights, asked, present)}
    return {**_days_figures(tallies, weights, [family]), **shares}


def days_curve(tallies: Sequence[AccountTally], family: str) -> list[float]:
    """Mean days on which a family could play, by days since the account's first outsider, from 0."""
    upto, followed = _cumulative(tallies, np.ones((1, len(tallies))), [family])
    return [0.0, *(round(float(days), 4) for days in upto[0, followed[0] > 0])]


def _days_figures(tallies: Sequence[AccountTally], weights: Floats, families: Sequence[str]) -> dict[str, Any]:
    """``followed_N``: how many of the accounts the log follows for N days. None where it follows none so far."""
    upto, followed = _cumulative(tallies, weights, families)
    figures: dict[str, Any] = {"accounts": int(_present(tallies, families).sum())}
    for horizon in _HORIZONS:
        last = followed[:, horizon - 1 - _SLACK]
        figures[f"followed_{horizon}"] = int(last[0])
        figures[f"outsider_days_{horizon}"] = interval(np.where(last > 0, upto[:, horizon - 1], np.nan))
    return figures


def _cumulative(tallies: Sequence[AccountTally], weights: Floats, families: Sequence[str]) -> tuple[Floats, Floats]:
    """By replicate and day since the first outsider: mean days so far, and how many accounts are followed then."""
    rows = [int(row) for row in np.flatnonzero(_present(tallies, families))]
    at_risk = _followed([tallies[row] for row in rows], max((tally.last for tally in tallies), default=0.0))
    begun = np.array([_begun(tallies[row], families) for row in rows]).reshape(-1, LONGEST)
    drawn = weights[:, rows]
    followed = drawn @ at_risk
    daily = np.zeros_like(followed)
    np.divide(drawn @ (begun * at_risk), followed, out=daily, where=followed > 0)
    return np.cumsum(daily, axis=1), followed


def _present(tallies: Sequence[AccountTally], families: Sequence[str]) -> Floats:
    return np.array([any(family in tally.outsiders for family in families) for tally in tallies], dtype=np.float64)


def _followed(tallies: Sequence[AccountTally], end: float) -> Floats:
    """By account and day: whether the log goes on for all of that day. One account's silence is no end of the log."""
    days = [(end - (end if tally.first_outsider is None else tally.first_outsider)) / DAY for tally in tallies]
    return np.array(np.array(days).reshape(-1, 1) >= np.arange(1, LONGEST + 1), dtype=np.float64)


def _begun(tally: AccountTally, families: Sequence[str]) -> Floats:
    """By day since the first outsider: UTC days that had their first allowed start then, each once for all families."""
    first_starts: dict[int, float] = {}
    for outsider in (tally.outsiders[family] for family in families if family in tally.outsiders):
        for day, offset in outsider.first_starts.items():
            first_starts[day] = min(offset, first_starts.get(day, offset))
    offsets = np.array(list(first_starts.values()), dtype=np.float64).astype(np.int64)
    return np.bincount(offsets, minlength=LONGEST).astype(np.float64)

"""Probation: a sequential test that tells a traveller, who will come home, from a second household, that will not.

After Wald (1945), the weights of evidence of independent days are added up until their sum leaves no doubt. A day
weighs the logarithm of how much likelier it is for a second household than for a traveller; the figures were counted
over the development families of the simulator, and rounded towards the traveller.
"""

from __future__ import annotations

from typing import Final

from services.device_trust.domain.evidence import CROWDED, Evidence, ProfileUse

_APART: Final = 0.6
"""A day away, without company, while others were at home: every day of a friend's, few of a traveller's."""
_ALONE: Final = 0.15
"""A day away without company while nobody was at home: the family may be away together, on other devices."""
_ANOTHER_PLACE: Final = -0.9
"""Each place beyond the second: people on the way see many, a home is one."""
_SAME_PROFILE: Final = -1.5
"""The profile is used at home, too: it may be somebody who lives there."""


def second_household_weight(evidence: Evidence) -> float:
    """The weight of evidence (natural logarithm) that a second household is behind a device or its network.

    Zero as soon as the device was at home, however often it was away: then it is a member, or was one.
    """
    if evidence.home_days > 0:
        return 0.0
    apart = max(evidence.longest_apart_days, evidence.network_apart_days if evidence.crowd <= CROWDED else 0)
    alone = max(evidence.longest_alone_days, evidence.network_alone_days if evidence.crowd <= CROWDED else 0)
    weight = _APART * apart + _ALONE * max(0, alone - apart)
    weight += _ANOTHER_PLACE * max(0, evidence.away_networks - 2)
    if evidence.profile is ProfileUse.AT_HOME:
        weight += _SAME_PROFILE
    return weight

"""Everything that a standing is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.device_trust.domain.evidence import Evidence, read
from services.device_trust.domain.history import History, day_of
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import ALONE, AllowanceUse, Client, Crowd, Device, Residence, Travel
from services.device_trust.domain.scoring import Scorer, Scoring


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """What is known of an account. ``travels`` reach back over the running year, ``uses`` over the allowance period.

    Uses whose device was at home since are given back, and not among them.
    """

    history: History
    residences: tuple[Residence, ...] = ()
    travels: tuple[Travel, ...] = ()
    uses: tuple[AllowanceUse, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A device, seen now as a client, and its account's household; with what its history says, and the scores."""

    now: datetime
    client: Client
    device: Device | None
    household: Household
    crowd: Crowd
    evidence: Evidence
    scoring: Scoring


def unknown_household(now: datetime) -> Household:
    """An account of which nothing is known yet."""
    return Household(history=History(first_day=day_of(now)))


def look(
    household: Household,
    device: Device | None,
    client: Client,
    now: datetime,
    policy: Policy,
    scorer: Scorer,
    crowd: Crowd = ALONE,
) -> Facts:
    """The facts about a device seen as a client. Pure."""
    cleared = device is not None and device.cleared_time is not None
    evidence = read(household.history, client, now, policy, crowd, cleared=cleared)
    return Facts(
        now=now,
        client=client,
        device=device,
        household=household,
        crowd=crowd,
        evidence=evidence,
        scoring=scorer(evidence),
    )


def look_again(facts: Facts, device: Device, household: Household, policy: Policy, scorer: Scorer) -> Facts:
    """The facts after something about the device or its household was changed."""
    return look(household, device, facts.client, facts.now, policy, scorer, facts.crowd)

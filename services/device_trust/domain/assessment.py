"""The assessment: standing, what the device may do about it, scores, and what is left on the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.device_trust.domain.allowances import Allowances, allowances_left
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Standing
from services.device_trust.domain.scoring import Scoring
from services.device_trust.domain.standing import (
    Verdict,
    guest_days_left,
    is_evident_second_household,
    judge,
    running_deadline,
)

_LEAST_DAYS: Final = 2
"""What a code or a deferral buys ends a day before the guest days do, so that less than two buy nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What a device is to an account, and what it may do about it."""

    verdict: Verdict
    can_defer: bool
    can_use_code: bool
    scoring: Scoring
    allowances: Allowances
    known_device: bool
    policy_version: str


def assess(facts: Facts, policy: Policy) -> Assessment:
    """Assess the device that the facts are about. Pure: the same facts, the same answer."""
    verdict = judge(facts, policy)
    allowances = allowances_left(facts.household, facts.now, policy, network=facts.client.network)
    return Assessment(
        verdict=verdict,
        can_defer=can_defer(facts, verdict, allowances, policy),
        can_use_code=can_use_code(facts, verdict, allowances, policy),
        scoring=facts.scoring,
        allowances=allowances,
        known_device=facts.device is not None,
        policy_version=policy.version,
    )


def is_asked(verdict: Verdict) -> bool:
    """Whether the device has to verify before it plays on."""
    return verdict.standing is Standing.UNCONFIRMED and verdict.expire_time is None


def can_defer(facts: Facts, verdict: Verdict, allowances: Allowances, policy: Policy) -> bool:
    """Whether "verify later" is open: once for a device that is asked, while account and network have one left."""
    deferred = running_deadline(facts.device, policy) is not None
    days = guest_days_left(facts, policy)
    return is_asked(verdict) and not deferred and allowances.deferrals_left > 0 and days >= _LEAST_DAYS


def can_use_code(facts: Facts, verdict: Verdict, allowances: Allowances, policy: Policy) -> bool:
    """Whether a code may still let the device in, now or before its deadline. A suspect's is the owner's, always open.

    None is sold to an evident second household, nor when the account's days for guests are used up.
    """
    if verdict.standing is Standing.SUSPECT:
        return True
    put_off = verdict.standing is Standing.UNCONFIRMED and running_deadline(facts.device, policy) is not None
    if not (is_asked(verdict) or put_off or verdict.standing is Standing.OUTSIDE):
        return False
    return can_lease(facts, allowances, policy)


def can_lease(facts: Facts, allowances: Allowances, policy: Policy) -> bool:
    """Whether a guest lease is left to be bought."""
    if allowances.guest_leases_left == 0 or guest_days_left(facts, policy) < _LEAST_DAYS:
        return False
    bought = facts.device is not None and facts.device.guest_until is not None
    return not (bought and is_evident_second_household(facts, policy))

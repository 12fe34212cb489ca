"""The assessment: standing, what the device may do about it, scores, and what is left on the account."""

from __future__ import annotations

from dataclasses import dataclass

from services.device_trust.domain.allowances import Allowances, allowances_left
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Facts, Standing
from services.device_trust.domain.scoring import Scorer, Scoring
from services.device_trust.domain.standing import Verdict, judge


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


def assess(facts: Facts, policy: Policy, scorer: Scorer) -> Assessment:
    """Assess the device that the facts are about. Pure: the same facts, the same answer."""
    verdict = judge(facts, policy)
    allowances = allowances_left(facts, policy, network=facts.network)
    return Assessment(
        verdict=verdict,
        can_defer=can_defer(facts, verdict, allowances),
        can_use_code=can_use_code(verdict, allowances),
        scoring=scorer(facts, policy),
        allowances=allowances,
        known_device=facts.device is not None,
        policy_version=policy.version,
    )


def can_defer(facts: Facts, verdict: Verdict, allowances: Allowances) -> bool:
    """Whether "verify later" is open: once for a device, while account and network have a deferral left."""
    deferred = facts.device is not None and facts.device.deferral_deadline is not None
    return verdict.standing is Standing.UNCONFIRMED and not deferred and allowances.deferrals_left > 0


def can_use_code(verdict: Verdict, allowances: Allowances) -> bool:
    """Whether a code may still let the device in. For a suspect this is the owner's code, which is always open."""
    if verdict.standing is Standing.SUSPECT:
        return True
    return verdict.standing in (Standing.UNCONFIRMED, Standing.OUTSIDE) and allowances.guest_leases_left > 0

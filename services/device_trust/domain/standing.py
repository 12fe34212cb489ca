"""The standing of a device: a list of small rules, of which the first that answers wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.device_trust.domain.country import Whereabouts, whereabouts
from services.device_trust.domain.evidence import Level
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.probation import second_household_weight
from services.device_trust.domain.records import Device, Standing

_COMPANY_DAYS: Final = 5
"""For so long after a member left a place, what plays there is taken for the household's."""
_SHARED_HOME_DAYS: Final = 2
"""On a home network that many accounts share, a device has to have been there on so many days."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A standing, and when it ends: a guest lease's end, a deadline; None where it has no end.

    An UNCONFIRMED device with an end ahead may play until then: it put verification off, or is only watched so far.
    """

    standing: Standing
    expire_time: datetime | None = None


Rule = Callable[[Facts, Policy], Verdict | None]


def judge(facts: Facts, policy: Policy) -> Verdict:
    """The standing of the device that the facts are about. Every device has one."""
    for rule in RULES:
        verdict = rule(facts, policy)
        if verdict is not None:
            return verdict
    return Verdict(standing=Standing.UNCONFIRMED)


def at_residence(facts: Facts) -> bool:
    """Whether the device is on a home network now: a residence's, or one that a home had lately."""
    if any(residence.network == facts.client.network for residence in facts.household.residences):
        return facts.evidence.level is not Level.HOME_SHARED or facts.evidence.home_days >= _SHARED_HOME_DAYS
    if facts.evidence.level is Level.HOME_SHARED:
        return facts.evidence.home_days >= _SHARED_HOME_DAYS
    return facts.evidence.level is Level.HOME


def on_declared_travel(facts: Facts) -> bool:
    """Whether the household said that it would be in this country now."""
    return any(travel.country == facts.client.country and travel.runs(facts.now) for travel in facts.household.travels)


def running_deadline(device: Device | None, policy: Policy) -> datetime | None:
    """The deadline of a device's deferral. One that was at home since has kept its word, and has none."""
    deadline = device.deferral_deadline if device is not None else None
    if device is None or deadline is None:
        return None
    came_home = device.last_home_time is not None and device.last_home_time > deadline - policy.deferral
    return None if came_home else deadline


def is_evident_second_household(facts: Facts, policy: Policy) -> bool:
    """Whether the days since a code or a deferral leave no doubt that another household is behind the device."""
    return second_household_weight(facts.evidence) >= policy.second_household


def is_tolerated(facts: Facts, policy: Policy) -> bool:
    """Whether a device of unknown standing may play for now: few guest days were used, and nothing speaks strongly."""
    outsider = facts.scoring.scores.outsider
    return tolerated_days_left(facts, policy) > 0 and (outsider is None or outsider < policy.outsider_threshold)


def tolerated_days_left(facts: Facts, policy: Policy) -> int:
    """Days, today among them, on which devices of unknown standing may still play on this network."""
    if policy.tolerated_days == 0:
        return 0
    used = max(facts.evidence.guest_days_here, facts.evidence.device_guest_days)
    on_account = policy.tolerated_days_account - facts.evidence.guest_days_90
    return min(policy.tolerated_days - used, on_account, guest_days_left(facts, policy))


def guest_days_left(facts: Facts, policy: Policy) -> int:
    """Days, today among them, on which guests of the account may still play."""
    left = min(
        policy.guest_days_90 - facts.evidence.guest_days_90, policy.guest_days_365 - facts.evidence.guest_days_365
    )
    return max(0, left)


def _revoked(facts: Facts, policy: Policy) -> Verdict | None:
    if facts.device is not None and facts.device.revoked_time is not None:
        return Verdict(standing=Standing.REVOKED)
    return None


def _at_home(facts: Facts, policy: Policy) -> Verdict | None:
    return Verdict(standing=Standing.HOUSEHOLD) if at_residence(facts) else None


def _member(facts: Facts, policy: Policy) -> Verdict | None:
    if not (facts.evidence.member or (facts.device is not None and facts.device.member_since is not None)):
        return None
    abroad = whereabouts(facts) is Whereabouts.FOREIGN
    return Verdict(standing=Standing.TRAVELLING if abroad else Standing.HOUSEHOLD)


def _declared_travel(facts: Facts, policy: Policy) -> Verdict | None:
    """A long travel keeps those who set out from home, though more than the days of presence have passed since."""
    left_home = facts.device.last_home_time if facts.device is not None else None
    if left_home is None:
        return None
    for travel in facts.household.travels:
        set_out = travel.start_time - policy.home_presence
        if travel.country == facts.client.country and travel.runs(facts.now) and left_home >= set_out:
            return Verdict(standing=Standing.TRAVELLING)
    return None


def _in_company(facts: Facts, policy: Policy) -> Verdict | None:
    """A hotel's television, a new laptop in the dorm: a member's device is, or just was, on its network."""
    age = facts.evidence.company_age
    if facts.evidence.level is Level.COMPANY and age is not None and age <= _COMPANY_DAYS:
        return Verdict(standing=Standing.TRAVELLING)
    return None


def _theft(facts: Facts, policy: Policy) -> Verdict | None:
    """Stands before guest leases and deferrals: what a household code bought does not clear suspicion."""
    device, thief = facts.device, facts.scoring.scores.thief
    if device is not None and (device.cleared_time is not None or device.last_home_time is not None):
        return None
    if thief is None or thief < policy.thief_threshold or on_declared_travel(facts):
        return None
    return Verdict(standing=Standing.SUSPECT)


def _guest(facts: Facts, policy: Policy) -> Verdict | None:
    until = facts.device.guest_until if facts.device is not None else None
    if until is None or facts.now >= until:
        return None
    return Verdict(standing=Standing.GUEST, expire_time=until)


def _deferred(facts: Facts, policy: Policy) -> Verdict | None:
    deadline = running_deadline(facts.device, policy)
    if deadline is None:
        return None
    if facts.now < deadline:
        return Verdict(standing=Standing.UNCONFIRMED, expire_time=deadline)
    return Verdict(standing=Standing.OUTSIDE)


def _second_household(facts: Facts, policy: Policy) -> Verdict | None:
    """Only after a code was sold: nobody is refused who was never asked."""
    device = facts.device
    sold = device is not None and device.guest_until is not None
    if sold and is_evident_second_household(facts, policy):
        return Verdict(standing=Standing.OUTSIDE)
    return None


def _learning(facts: Facts, policy: Policy) -> Verdict | None:
    """An account that was met in the middle of its life is watched before it is judged."""
    if not facts.evidence.learning:
        return None
    left = 2 * policy.learning - timedelta(days=facts.evidence.maturity)
    return Verdict(standing=Standing.UNCONFIRMED, expire_time=facts.now + max(_DAY, left))


def _tolerated(facts: Facts, policy: Policy) -> Verdict | None:
    """Sharing errs towards playing: one is asked once unknown devices of the account have played on some days."""
    if not is_tolerated(facts, policy):
        return None
    left = tolerated_days_left(facts, policy)
    return Verdict(standing=Standing.UNCONFIRMED, expire_time=facts.now + left * _DAY)


RULES: Final[tuple[Rule, ...]] = (
    _revoked,
    _at_home,
    _member,
    _declared_travel,
    _in_company,
    _theft,
    _guest,
    _deferred,
    _second_household,
    _learning,
    _tolerated,
)
"""In the order in which they are asked; a device that none of them knows is UNCONFIRMED, and asked."""

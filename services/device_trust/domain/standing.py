"""The standing of a device: a list of small rules, of which the first that answers wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.device_trust.domain.country import Whereabouts, whereabouts
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Facts, Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A standing, and when it ends: a guest lease's end or a deferral's deadline; None where it has no end."""

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
    """Whether the device is on a residence's network now."""
    return any(residence.network == facts.network for residence in facts.residences)


def lately_at_home(facts: Facts, policy: Policy) -> bool:
    """Whether the device was seen at a residence within the days that make it a member."""
    device = facts.device
    return (
        device is not None
        and device.last_home_time is not None
        and facts.now - device.last_home_time <= policy.home_presence
    )


def on_declared_travel(facts: Facts) -> bool:
    """Whether the household said that it would be in this country now."""
    return any(travel.country == facts.country and travel.runs(facts.now) for travel in facts.travels)


def _revoked(facts: Facts, policy: Policy) -> Verdict | None:
    if facts.device is not None and facts.device.revoked_time is not None:
        return Verdict(standing=Standing.REVOKED)
    return None


def _at_home(facts: Facts, policy: Policy) -> Verdict | None:
    return Verdict(standing=Standing.HOUSEHOLD) if at_residence(facts) else None


def _member(facts: Facts, policy: Policy) -> Verdict | None:
    founder = facts.device is not None and facts.device.member_since is not None
    if not (founder or lately_at_home(facts, policy)):
        return None
    abroad = whereabouts(facts) is Whereabouts.FOREIGN
    return Verdict(standing=Standing.TRAVELLING if abroad else Standing.HOUSEHOLD)


def _declared_travel(facts: Facts, policy: Policy) -> Verdict | None:
    """A long travel keeps those who set out from home, though more than the days of presence have passed since."""
    left_home = facts.device.last_home_time if facts.device is not None else None
    if left_home is None:
        return None
    for travel in facts.travels:
        set_out = travel.start_time - policy.home_presence
        if travel.country == facts.country and travel.runs(facts.now) and left_home >= set_out:
            return Verdict(standing=Standing.TRAVELLING)
    return None


def _theft(facts: Facts, policy: Policy) -> Verdict | None:
    """Stands before guest leases and deferrals: what a household code bought does not clear suspicion."""
    device = facts.device
    if device is not None and (device.cleared_time is not None or device.last_home_time is not None):
        return None
    if whereabouts(facts) is not Whereabouts.FOREIGN or on_declared_travel(facts):
        return None
    return Verdict(standing=Standing.SUSPECT)


def _guest(facts: Facts, policy: Policy) -> Verdict | None:
    until = facts.device.guest_until if facts.device is not None else None
    if until is None or facts.now >= until:
        return None
    return Verdict(standing=Standing.GUEST, expire_time=until)


def _deferred(facts: Facts, policy: Policy) -> Verdict | None:
    deadline = facts.device.deferral_deadline if facts.device is not None else None
    if deadline is None:
        return None
    if facts.now < deadline:
        return Verdict(standing=Standing.UNCONFIRMED, expire_time=deadline)
    return Verdict(standing=Standing.OUTSIDE)


RULES: Final[tuple[Rule, ...]] = (_revoked, _at_home, _member, _declared_travel, _theft, _guest, _deferred)
"""In the order in which they are asked; a device that none of them knows is UNCONFIRMED."""

"""What a proof or a deferral buys for a device. Pure: the use cases store what is decided here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.allowances import allowances_left, exhausted
from services.device_trust.domain.assessment import can_defer, can_lease, is_asked
from services.device_trust.domain.facts import Facts
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import (
    AllowanceKind,
    AllowanceUse,
    ConfirmationBasis,
    Device,
    RevocationReason,
    Standing,
    see,
)
from services.device_trust.domain.standing import guest_days_left, judge

_CLEARING: Final = frozenset({ConfirmationBasis.OWNER_CODE, ConfirmationBasis.TRUSTED_DEVICE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """The device afterwards, the allowance used for it, if any, and whether its network becomes a residence."""

    device: Device
    use: AllowanceUse | None = None
    founds_residence: bool = False


def confirm(facts: Facts, basis: ConfirmationBasis, policy: Policy) -> Purchase:
    """Let a device in on a proof.

    A lease is bought only by a device that is asked, so that confirming again costs and extends nothing.
    Raises STATE_CONFLICT for a revoked device, ALLOWANCE_EXHAUSTED when the proof buys nothing but a lease
    and none is left.
    """
    device = _seen_now(facts)
    if device.revoked_time is not None:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the device is revoked")
    if basis is ConfirmationBasis.ACCOUNT_CREATED:
        founder = replace(device, member_since=device.member_since or facts.now, last_home_time=facts.now)
        return Purchase(device=founder, founds_residence=True)
    clears = basis in _CLEARING and judge(facts, policy).standing is Standing.SUSPECT
    if basis in _CLEARING:
        device = replace(device, cleared_time=device.cleared_time or facts.now)
    verdict = judge(replace(facts, device=device), policy)
    # A household code leaves a suspect what it is: it neither clears nor is charged.
    if not (is_asked(verdict) or verdict.standing is Standing.OUTSIDE or _put_off(verdict.standing, device, facts)):
        return Purchase(device=device)
    allowances = allowances_left(facts.household, facts.now, policy, network=facts.client.network)
    if not can_lease(facts, allowances, policy):
        if clears or basis is ConfirmationBasis.OWNER_CODE:
            return Purchase(device=device)
        raise exhausted("guest_leases")
    use = AllowanceUse(kind=AllowanceKind.GUEST_LEASE, network=facts.client.network, used_time=facts.now)
    return Purchase(device=replace(device, guest_until=facts.now + _bought(policy.guest_lease, facts, policy)), use=use)


def defer(facts: Facts, policy: Policy) -> Purchase:
    """Give a device time to verify later. One that needs none, or has it already, is charged nothing.

    Raises STATE_CONFLICT for a device that is suspect, revoked or past its deadline, ALLOWANCE_EXHAUSTED.
    """
    device = _seen_now(facts)
    verdict = judge(facts, policy)
    if verdict.standing in (Standing.SUSPECT, Standing.REVOKED, Standing.OUTSIDE):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the device is {verdict.standing}")
    if not is_asked(verdict):
        return Purchase(device=device)
    allowances = allowances_left(facts.household, facts.now, policy, network=facts.client.network)
    if not can_defer(facts, verdict, allowances, policy):
        raise exhausted("deferrals")
    use = AllowanceUse(kind=AllowanceKind.DEFERRAL, network=facts.client.network, used_time=facts.now)
    deadline = facts.now + _bought(policy.deferral, facts, policy)
    return Purchase(device=replace(device, deferral_deadline=deadline), use=use)


def moved_back(device: Device) -> Device:
    """The device after its viewer came back: what it was before it moved away, and never a member for it.

    A device that was shut out for another reason, or not at all, stays as it is.
    """
    if device.revocation_reason is not RevocationReason.MOVED_AWAY:
        return device
    return replace(device, revoked_time=None, revocation_reason=None, member_since=None)


def _put_off(standing: Standing, device: Device, facts: Facts) -> bool:
    """Whether the device plays on a deferral: a code makes it a guest before the deadline."""
    deadline = device.deferral_deadline
    return standing is Standing.UNCONFIRMED and deadline is not None and facts.now < deadline


def _bought(days: timedelta, facts: Facts, policy: Policy) -> timedelta:
    """As many days as are left for guests; a time that begins within a day touches one day more than it is long."""
    return min(days, timedelta(days=guest_days_left(facts, policy) - 1))


def _seen_now(facts: Facts) -> Device:
    return see(facts.device, facts.client, facts.now)

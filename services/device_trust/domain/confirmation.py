"""What a proof or a deferral buys for a device. Pure: the use cases store what is decided here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.allowances import allowances_left, exhausted
from services.device_trust.domain.assessment import can_defer
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import (
    AllowanceKind,
    AllowanceUse,
    Client,
    ConfirmationBasis,
    Device,
    Facts,
    Standing,
    see,
)
from services.device_trust.domain.standing import judge

_CLEARING: Final = frozenset({ConfirmationBasis.OWNER_CODE, ConfirmationBasis.TRUSTED_DEVICE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """The device afterwards, the allowance used for it, if any, and whether its network becomes a residence."""

    device: Device
    use: AllowanceUse | None = None
    founds_residence: bool = False


def confirm(facts: Facts, client: Client, basis: ConfirmationBasis, policy: Policy) -> Purchase:
    """Let a device in on a proof.

    A lease is bought only by a device that needs one, so that confirming again costs and extends nothing.
    Raises STATE_CONFLICT for a revoked device, ALLOWANCE_EXHAUSTED when the proof buys nothing but a lease
    and none is left.
    """
    device = _seen_now(facts, client)
    if device.revoked_time is not None:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the device is revoked")
    if basis is ConfirmationBasis.ACCOUNT_CREATED:
        founder = replace(device, member_since=device.member_since or facts.now, last_home_time=facts.now)
        return Purchase(device=founder, founds_residence=True)
    clears = basis in _CLEARING and judge(facts, policy).standing is Standing.SUSPECT
    if basis in _CLEARING:
        device = replace(device, cleared_time=device.cleared_time or facts.now)
    standing = judge(replace(facts, device=device), policy).standing
    # A household code leaves a suspect what it is: it neither clears nor is charged.
    if standing not in (Standing.UNCONFIRMED, Standing.OUTSIDE):
        return Purchase(device=device)
    if allowances_left(facts, policy, network=client.network).guest_leases_left == 0:
        if clears or basis is ConfirmationBasis.OWNER_CODE:
            return Purchase(device=device)
        raise exhausted("guest_leases")
    use = AllowanceUse(kind=AllowanceKind.GUEST_LEASE, network=client.network, used_time=facts.now)
    return Purchase(device=replace(device, guest_until=facts.now + policy.guest_lease), use=use)


def defer(facts: Facts, client: Client, policy: Policy) -> Purchase:
    """Give a device time to verify later. One that needs none, or has it already, is charged nothing.

    Raises STATE_CONFLICT for a device that is suspect, revoked or past its deadline, ALLOWANCE_EXHAUSTED.
    """
    device = _seen_now(facts, client)
    verdict = judge(facts, policy)
    if verdict.standing in (Standing.SUSPECT, Standing.REVOKED, Standing.OUTSIDE):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the device is {verdict.standing}")
    if verdict.standing is not Standing.UNCONFIRMED or verdict.expire_time is not None:
        return Purchase(device=device)
    if not can_defer(facts, verdict, allowances_left(facts, policy, network=client.network)):
        raise exhausted("deferrals")
    use = AllowanceUse(kind=AllowanceKind.DEFERRAL, network=client.network, used_time=facts.now)
    return Purchase(device=replace(device, deferral_deadline=facts.now + policy.deferral), use=use)


def _seen_now(facts: Facts, client: Client) -> Device:
    return see(facts.device, client, facts.now)

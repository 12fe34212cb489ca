"""DisownSignIn: "it wasn't me", from a mail."""

from __future__ import annotations

from dataclasses import dataclass

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from libs.runtime.logging import get_logger
from services.gateway.clients.device_trust import DeviceSummary
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.records import MEMBER_STANDINGS
from services.gateway.domain.verification import NoticeKind, Requester, RevocationReason
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.shutting_out import (
    Ended,
    end_streams_but_of_devices,
    shut_device_out,
    tell_owner,
)

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Disowned:
    """How much ended, and whether the password is still to be reset."""

    ended: Ended
    reset_required: bool


async def disown_sign_in(context: Context, token: str) -> Disowned:
    """Shut the device out, demand a reset, and end everything but the household's own devices.

    Every step can be repeated. The demand comes after the device was shut out and is known by the token's notice: once
    a new password has settled it, every session was ended with it, and the same token does nothing any more.
    Raises CREDENTIALS_REJECTED.
    """
    claim = _open(context, token)
    devices = await context.device_trust.list_devices(claim.account_id)
    shut_out = await _shut_out(context, claim)
    kept = _kept(claim, devices)
    sessions, settled = await _demand(context, claim, kept)
    if settled:
        return Disowned(ended=shut_out, reset_required=False)
    streams = await end_streams_but_of_devices(context, claim.account_id, kept)
    notice_id, about = step_id(claim.notice_id, "disowned"), _described(claim, devices)
    await tell_owner(context, notice_id, claim.account_id, NoticeKind.DEVICE_SHUT_OUT, about)
    _log.info("sign-in disowned", account_id=str(claim.account_id), kind=str(claim.kind))
    ended = Ended(sessions=shut_out.sessions + sessions, streams=shut_out.streams + streams)
    return Disowned(ended=ended, reset_required=True)


def _open(context: Context, token: str) -> DisownClaim:
    try:
        claim = context.disown_tokens.open(token)
    except OpenError:
        raise _rejected("not a token of ours") from None
    if claim.expire_time <= context.clock.now():
        raise _rejected("expired")
    return claim


async def _shut_out(context: Context, claim: DisownClaim) -> Ended:
    """A device that the account never saw, as one that only reset a password, leaves nothing to shut out."""
    try:
        return await shut_device_out(context, claim.account_id, claim.device.device_id, RevocationReason.NOT_ME)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return Ended(sessions=0, streams=0)


def _kept(claim: DisownClaim, devices: tuple[DeviceSummary, ...]) -> list[str]:
    """Devices that live with the owner: they did not come in by the password's thief, and stay signed in."""
    members = (each.device_id for each in devices if each.standing in MEMBER_STANDINGS)
    return [device_id for device_id in members if device_id != claim.device.device_id]


async def _demand(context: Context, claim: DisownClaim, kept: list[str]) -> tuple[int, bool]:
    try:
        return await context.protection.demand_password_reset(claim.notice_id, claim.account_id, kept)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        raise _rejected("the account is gone") from error


def _described(claim: DisownClaim, devices: tuple[DeviceSummary, ...]) -> Requester:
    """The device with its name, where the account saw it."""
    named = (each.as_requester() for each in devices if each.device_id == claim.device.device_id)
    return next(named, claim.device)


def _rejected(detail: str) -> ServiceError:
    return ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=detail)

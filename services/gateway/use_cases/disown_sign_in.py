"""DisownSignIn: "it wasn't me", from a mail."""

from __future__ import annotations

from dataclasses import dataclass

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from libs.runtime.logging import get_logger
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.records import MEMBER_STANDINGS
from services.gateway.domain.verification import NoticeKind, Requester, RevocationReason
from services.gateway.storage import leases, protection
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.shutting_out import Ended, shut_device_out
from services.gateway.use_cases.telling import tell_owner

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Disowned:
    """How much ended, and whether the password is still to be reset."""

    ended: Ended
    reset_required: bool


async def disown_sign_in(context: Context, token: str) -> Disowned:
    """Shut the device out, demand a reset, and end everything but the household's own devices.

    Each step can be repeated. The demand, which comes after the device was shut out, is known by the token's notice:
    once it was settled by a new password there is nothing left to do, and the same token does nothing any more.
    Raises CREDENTIALS_REJECTED.
    """
    claim = _open(context, token)
    if await _settled(context, claim):
        return Disowned(ended=Ended(sessions=0, streams=0), reset_required=False)
    device = await _find(context, claim)
    shut_out = await _shut_out(context, claim)
    kept = await _kept_devices(context, claim)
    demanded = await context.protection.demand_password_reset(claim.notice_id, claim.account_id, kept)
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, claim.account_id)
        streams = await protection.end_streams_but_devices(transaction, claim.account_id, kept, context.clock.now())
    await tell_owner(
        context, step_id(claim.notice_id, "disowned"), claim.account_id, NoticeKind.DEVICE_SHUT_OUT, device
    )
    _log.info("sign-in disowned", account_id=str(claim.account_id), kind=str(claim.kind))
    ended = Ended(sessions=shut_out.sessions + demanded.ended, streams=shut_out.streams + streams)
    return Disowned(ended=ended, reset_required=not demanded.settled)

"""Shutting devices and sessions out, so that nothing starts any more once it was acknowledged.

The order matters: first identity and device_trust refuse, then the epoch is raised. A start that looked up before
either cannot claim a slot after the epoch was raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.notices import DISOWNABLE, Addressee, OwnerNotice
from services.gateway.domain.records import SessionEndReason
from services.gateway.domain.verification import NoticeKind, Requester, RevocationReason
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context

_log = get_logger(__name__)

_SESSION_END = {
    RevocationReason.BY_OWNER: SessionEndReason.DEVICE_REVOKED,
    RevocationReason.NOT_ME: SessionEndReason.DEVICE_REVOKED,
    RevocationReason.MOVED_AWAY: SessionEndReason.MOVED_AWAY,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How much ended."""

    sessions: int
    streams: int


async def shut_device_out(context: Context, account_id: UUID, device_id: str, reason: RevocationReason) -> Ended:
    """End a device's standing, sessions and streams, durably. Raises NOT_FOUND for a device the account never saw."""
    unseen = await _revoke(context, account_id, device_id, reason)
    sessions = await context.identity.end_device_sessions(account_id, device_id, _SESSION_END[reason])
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, account_id)
        streams = await leases.end_device_streams(transaction, account_id, device_id, context.clock.now())
    # A sighting may have been lost; a session or a stream proves that the device was there all the same.
    if unseen is not None and not sessions and not streams:
        raise unseen
    _log.info("device shut out", account_id=str(account_id), device_id=device_id, reason=str(reason))
    return Ended(sessions=sessions, streams=streams)


async def _revoke(context: Context, account_id: UUID, device_id: str, reason: RevocationReason) -> ServiceError | None:
    try:
        await context.device_trust.revoke_device(account_id, device_id, reason)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        return error
    return None


async def end_streams_of_others(context: Context, account_id: UUID, staying_session_id: UUID | None) -> int:
    """After sessions were ended: raise the epoch and end every stream but one session's; how many were running."""
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, account_id)
        return await leases.end_other_streams(transaction, account_id, staying_session_id, context.clock.now())


async def end_streams_but_of_devices(context: Context, account_id: UUID, kept_device_ids: Sequence[str]) -> int:
    """As :func:`end_streams_of_others`, but the streams of some devices stay."""
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, account_id)
        return await leases.end_streams_but_of_devices(transaction, account_id, kept_device_ids, context.clock.now())


async def tell_owner(
    context: Context,
    request_id: UUID,
    account_id: UUID,
    kind: NoticeKind,
    about: Requester | None,
    *,
    former: Addressee | None = None,
) -> None:
    """Have the owner told by email, once for a request id; ``former``: at an address that was the account's. Kept
    durably when this returns; raises STORAGE_UNAVAILABLE where it cannot be kept, so that the step is repeated rather
    than untold.
    """
    now = context.clock.now()
    token = ""
    # What ends sessions goes to nobody who held an address before.
    if kind in DISOWNABLE and about is not None and former is None:
        expire_time = context.disown_tokens.expire_time(now)
        claim = DisownClaim(
            account_id=account_id, notice_id=request_id, kind=kind, device=about, expire_time=expire_time
        )
        token = context.disown_tokens.issue(claim)
    notice = OwnerNotice(
        account_id=account_id,
        notice_id=request_id,
        kind=kind,
        about=about,
        event_time=now,
        disown_token=token,
        former=former,
    )
    await context.notices.put(notice)

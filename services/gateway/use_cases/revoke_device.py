"""RevokeDevice: the household takes a device off the list."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import invalid_field
from services.gateway.domain.records import Client
from services.gateway.domain.verification import NoticeKind, Requester, RevocationReason
from services.gateway.use_cases.context import Context, resolve_member
from services.gateway.use_cases.shutting_out import Ended, shut_device_out, tell_owner


async def revoke_device(context: Context, session_token: str, client: Client, device_id: str) -> Ended:
    """How much ended. Raises DEVICE_NOT_TRUSTED, NOT_FOUND; INVALID_FIELD for the asking device itself."""
    resolved, _ = await resolve_member(context, session_token, client)
    if device_id == client.device_id:
        raise invalid_field("device_id", "is the device that asks; use SignOut")
    account_id = resolved.account.account_id
    device = await _find(context, account_id, device_id)
    ended = await shut_device_out(context, account_id, device_id, RevocationReason.BY_OWNER)
    if device is not None:
        await tell_owner(context, context.ids.new(), account_id, NoticeKind.DEVICE_SHUT_OUT, device)
    return ended


async def _find(context: Context, account_id: UUID, device_id: str) -> Requester | None:
    """The device as the notice describes it; None for one that is not among the last seen."""
    for summary in await context.device_trust.list_devices(account_id):
        if summary.device_id == device_id:
            return summary.as_requester()
    return None

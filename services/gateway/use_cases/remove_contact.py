"""RemoveContact: the owner is no longer reached by texts."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Channel, Client
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.context import Context, resolve_member, step_id
from services.gateway.use_cases.present_contacts import end_codes_elsewhere
from services.gateway.use_cases.shutting_out import tell_owner


async def remove_contact(
    context: Context, request_id: UUID, session_token: str, client: Client, channel: Channel, password: str
) -> bool:
    """Whether there was one; then the owner is told, and codes that went there have ended.

    Raises DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED. Where the codes could not be ended the number is gone all the same,
    and a repeat ends them.
    """
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    removed = await context.contacts.remove_contact(account_id, channel, password)
    if removed:
        notice_id = step_id(request_id, "notice")
        await tell_owner(context, notice_id, account_id, NoticeKind.CONTACT_CHANGED, requester_of(client))
    await end_codes_elsewhere(context, account_id)
    return removed

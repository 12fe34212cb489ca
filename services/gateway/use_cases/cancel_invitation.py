"""CancelInvitation: the household takes an invitation back."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.members import Member
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member


async def cancel_invitation(context: Context, session_token: str, client: Client, member_id: UUID) -> Member:
    """The invitation, over. Raises DEVICE_NOT_TRUSTED, NOT_FOUND; STATE_CONFLICT where it was accepted."""
    resolved, _ = await resolve_member(context, session_token, client)
    return await context.members.cancel(resolved.account.account_id, member_id)

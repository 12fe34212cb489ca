"""ListMembers: the account's extra members, for its household."""

from __future__ import annotations

from services.gateway.domain.members import Member
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member


async def list_members(context: Context, session_token: str, client: Client) -> tuple[tuple[Member, ...], int]:
    """Members and open invitations, oldest first, and the plan's slots. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    return await context.members.list(resolved.account.account_id)

"""RejoinMembership: a former member accepts an invitation with the account that is there."""

from __future__ import annotations

from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member


async def rejoin_membership(context: Context, session_token: str, client: Client, invitation_token: str) -> None:
    """Take the place. Raises DEVICE_NOT_TRUSTED, NOT_FOUND; STATE_CONFLICT for an account with a plan or a host."""
    resolved, _ = await resolve_member(context, session_token, client)
    await context.members.accept(resolved.account.account_id, invitation_token)

"""DeclareResidence: the household lives here too."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, require_in_good_order, resolve_member


async def declare_residence(context: Context, request_id: UUID, session_token: str, client: Client, name: str) -> UUID:
    """The residence. Raises DEVICE_NOT_TRUSTED, STATE_CONFLICT, LIMIT_EXCEEDED."""
    resolved, _ = await resolve_member(context, session_token, client)
    require_in_good_order(resolved.account)
    return await context.device_trust.declare_residence(request_id, resolved.account.account_id, client, name)

"""CheckProfilePin: whoever wants to open a profile shows its PIN."""

from __future__ import annotations

from uuid import UUID

from services.gateway.clients.profiles import PinCheck
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, require_profile, resolve_live


async def check_profile_pin(
    context: Context, session_token: str, client: Client, profile_id: UUID, pin: str
) -> PinCheck:
    """What came of it. Raises SESSION_UNKNOWN, NOT_FOUND without a PIN, LIMIT_EXCEEDED after too many wrong ones."""
    resolved = await resolve_live(context, session_token, client)
    require_profile(resolved, profile_id)
    return await context.profiles.check_pin(resolved.account.account_id, profile_id, pin)

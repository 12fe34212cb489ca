"""RefreshSession: new tokens for old ones."""

from __future__ import annotations

from services.gateway.domain.records import Client, Credentials
from services.gateway.use_cases.context import Context


async def refresh_session(context: Context, refresh_token: str, client: Client) -> Credentials:
    """The new secrets; the old ones end. Raises SESSION_UNKNOWN."""
    return await context.identity.refresh_session(refresh_token, client.device_id)

"""RefreshSession: new tokens for old ones."""

from __future__ import annotations

from services.gateway.clients.identity import Refresh
from services.gateway.domain.records import Credentials
from services.gateway.use_cases.context import Context


async def refresh_session(context: Context, refresh: Refresh) -> Credentials:
    """The new secrets; the old refresh token ends. Raises SESSION_UNKNOWN."""
    return await context.identity.refresh_session(refresh)

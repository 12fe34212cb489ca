"""GetSessionKeys: what verifies session tokens."""

from __future__ import annotations

from services.gateway.use_cases.context import Context


async def get_session_keys(context: Context) -> str:
    """The public keys as a JSON Web Key Set."""
    return await context.identity.get_session_keys()

"""GetGrantKeys: what verifies grants."""

from __future__ import annotations

from services.gateway.use_cases.context import Context


async def get_grant_keys(context: Context) -> str:
    """The public keys as a JSON Web Key Set."""
    return context.grants.jwks()

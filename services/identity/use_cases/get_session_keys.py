"""GetSessionKeys: what verifies session tokens."""

from __future__ import annotations

from services.identity.use_cases.context import Identity


async def get_session_keys(*, identity: Identity) -> str:
    """The public keys as a JSON Web Key Set, the one that signs first."""
    return identity.access_tokens.jwks()

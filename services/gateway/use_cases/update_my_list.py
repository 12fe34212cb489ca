"""UpdateMyList: titles onto a profile's list, and off it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, require_profile, resolve_live


async def update_my_list(
    context: Context,
    session_token: str,
    client: Client,
    profile_id: UUID,
    *,
    add: Sequence[str],
    remove: Sequence[str],
) -> int:
    """How many titles are on it now. Every device that may watch may change it. Raises NOT_FOUND, LIMIT_EXCEEDED."""
    resolved = await resolve_live(context, session_token, client)
    require_profile(resolved, profile_id)
    return await context.download_planning.update_my_list(
        resolved.account.account_id, profile_id, add=add, remove=remove
    )

"""What the four download calls share: who asks, and that only the household's devices get plans."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Assessment, Client, Profile, ResolvedSession
from services.gateway.use_cases.context import Context, require_in_good_order, require_profile, resolve_member


async def resolve_downloader(
    context: Context, session_token: str, client: Client, profile_id: UUID
) -> tuple[ResolvedSession, Assessment, Profile]:
    """Session, standing and profile of a device that may hold downloads. Raises DEVICE_NOT_TRUSTED, NOT_FOUND;
    STATE_CONFLICT for an account on hold.
    """
    resolved, assessment = await resolve_member(context, session_token, client)
    require_in_good_order(resolved.account)
    return resolved, assessment, require_profile(resolved, profile_id)

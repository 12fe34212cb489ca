"""SetProfilePin: lock a profile with a PIN, or take the PIN away."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Client, Profile
from services.gateway.use_cases.context import Context, require_profile, resolve_member


async def set_profile_pin(context: Context, session_token: str, client: Client, profile_id: UUID, pin: str) -> Profile:
    """The profile as it stands now. Raises DEVICE_NOT_TRUSTED for a device that is not of the household, NOT_FOUND."""
    resolved, _ = await resolve_member(context, session_token, client)
    require_profile(resolved, profile_id)
    return await context.profiles.set_pin(resolved.account.account_id, profile_id, pin)

"""GetProfileUse: whether anybody has used a profile."""

from __future__ import annotations

from uuid import UUID

from services.download_planning.use_cases.context import Context


async def get_profile_use(context: Context, account_id: UUID, profile_id: UUID) -> bool:
    """Whether somebody would miss it; False also for a profile that was never heard of."""
    return await context.my_list.is_used(account_id, profile_id)

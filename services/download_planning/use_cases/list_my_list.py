"""ListMyList: a profile's list."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.download_planning.domain.my_list import MAX_TITLES, MyListItem
from services.download_planning.use_cases.context import Context


async def list_my_list(context: Context, account_id: UUID, profile_id: UUID) -> Sequence[MyListItem]:
    """The titles, the latest first."""
    return await context.my_list.list_items(account_id, profile_id, MAX_TITLES)

"""UpdateMyList: titles onto a profile's list, and off it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.download_planning.domain.my_list import MAX_TITLES
from services.download_planning.use_cases.context import Context


async def update_my_list(
    context: Context, account_id: UUID, profile_id: UUID, *, add: Sequence[str], remove: Sequence[str]
) -> int:
    """How many titles are on the list now. A title in both is taken off. LIMIT_EXCEEDED beyond 500."""
    return await context.my_list.update(
        account_id,
        profile_id,
        add=list(dict.fromkeys(add)),
        remove=remove,
        now=context.clock.now(),
        max_titles=MAX_TITLES,
    )

"""RecordViewing: what was watched, each viewing once, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.runtime.errors import invalid_field
from services.download_planning.domain.viewing import Viewing, lies_in_future
from services.download_planning.use_cases.context import Context


async def record_viewing(context: Context, account_id: UUID, profile_id: UUID, viewings: Sequence[Viewing]) -> int:
    """Keep the viewings; how many were new. INVALID_FIELD for one from the future: it would outlast all true ones."""
    now = context.clock.now()
    for index, viewing in enumerate(viewings):
        if lies_in_future(viewing.event_time, now):
            raise invalid_field(f"viewings[{index}].event_time", "must not lie in the future")
    return await context.store.record_viewings(account_id, profile_id, viewings, now)

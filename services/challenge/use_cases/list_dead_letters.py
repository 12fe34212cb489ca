"""ListDeadLetters: messages that were given up, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.challenge.domain.challenge import DeadLetter
from services.challenge.storage.deliveries import DeliveryStore
from services.challenge.use_cases.context import Context

_DEFAULT_PAGE: Final = 100
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def list_dead_letters(page_size: int, since: datetime | None, *, context: Context) -> list[DeadLetter]:
    """Newest first, at most ``page_size`` (0: 100)."""
    return await DeliveryStore(context.database).dead_letters(since or _EVER, page_size or _DEFAULT_PAGE)

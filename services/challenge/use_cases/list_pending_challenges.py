"""ListPendingChallenges: what an account is being asked."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.challenge.domain.challenge import ChallengeView
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.use_cases.context import Context

_MOST: Final = 50


async def list_pending_challenges(account_id: UUID, *, context: Context) -> list[ChallengeView]:
    """The account's pending challenges, newest first, at most 50."""
    pending = await ChallengeStore(context.database).list_pending(account_id, context.clock.now(), _MOST)
    return await context.views_of(account_id, pending)

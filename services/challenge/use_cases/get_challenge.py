"""GetChallenge: reads a challenge and its deliveries."""

from __future__ import annotations

from uuid import UUID

from services.challenge.domain.challenge import ChallengeView
from services.challenge.use_cases.context import Context


async def get_challenge(account_id: UUID, challenge_id: UUID, *, context: Context) -> ChallengeView:
    """The challenge as it stands. Raises NOT_FOUND."""
    return await context.view(account_id, challenge_id)

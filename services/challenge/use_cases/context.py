"""What the use cases work with, and the steps that several of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from libs.persistence.database import Database
from libs.runtime.clock import Clock
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.ids import Ids
from services.challenge.domain.challenge import Challenge, ChallengeView, Channel, Delivery
from services.challenge.domain.codes import CodeKeys, Randomness
from services.challenge.domain.policy import Policy
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.storage.deliveries import DeliveryStore
from services.challenge.workers.changes import ChallengeChanges


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The dependencies of the use cases. ``channels`` are those that have a provider."""

    database: Database
    clock: Clock
    ids: Ids
    randomness: Randomness
    keys: CodeKeys
    policy: Policy
    channels: frozenset[Channel]
    changes: ChallengeChanges
    outbox_wake: asyncio.Event

    def require_channel(self, channel: Channel) -> None:
        """Raises CHANNEL_UNAVAILABLE where no provider carries it."""
        if channel is not Channel.TRUSTED_DEVICE and channel not in self.channels:
            raise ServiceError(
                ErrorReason.CHANNEL_UNAVAILABLE, detail=f"no provider for {channel}", metadata={"channel": channel}
            )

    async def view(self, account_id: UUID, challenge_id: UUID | None) -> ChallengeView:
        """A challenge with its deliveries. Raises NOT_FOUND."""
        challenge = await ChallengeStore(self.database).find(account_id, challenge_id) if challenge_id else None
        if challenge is None:
            raise not_found("challenge")
        return await self.view_of(challenge)

    async def view_of(self, challenge: Challenge) -> ChallengeView:
        """A challenge that was just read, with its deliveries."""
        store = DeliveryStore(self.database)
        deliveries = await store.of_challenges(challenge.account_id, [challenge.challenge_id])
        return self._shown(challenge, deliveries)

    async def views_of(self, account_id: UUID, challenges: Iterable[Challenge]) -> list[ChallengeView]:
        """Challenges of one account with their deliveries, in the order given."""
        challenges = list(challenges)
        by_challenge: dict[UUID | None, list[Delivery]] = {each.challenge_id: [] for each in challenges}
        for delivery in await DeliveryStore(self.database).of_challenges(
            account_id, [each.challenge_id for each in challenges]
        ):
            by_challenge[delivery.challenge_id].append(delivery)
        return [self._shown(each, by_challenge[each.challenge_id]) for each in challenges]

    def _shown(self, challenge: Challenge, deliveries: list[Delivery]) -> ChallengeView:
        return ChallengeView(
            challenge=challenge,
            deliveries=tuple(deliveries),
            now=self.clock.now(),
            receipt_wait=self.policy.receipt_wait,
        )

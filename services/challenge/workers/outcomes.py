"""What is kept after an attempt at a message: its state, its provider's id, and whether its address is alive."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from libs.persistence.database import Executor
from libs.runtime.clock import Clock
from libs.runtime.logging import get_logger
from services.challenge.delivery.port import Accepted, DeliveryOutcome, PermanentFailure, TemporaryFailure
from services.challenge.domain.challenge import Channel, DeliveryState
from services.challenge.domain.codes import CodeKeys
from services.challenge.domain.policy import Policy, RetryPolicy
from services.challenge.metrics import count_delivery
from services.challenge.storage.deliveries import ClaimedDelivery, DeliveryStore, TakenDelivery
from services.challenge.storage.provider_messages import ProviderMessageStore
from services.challenge.storage.suppressions import SuppressionStore
from services.challenge.workers.taken import TakenMarks

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TooLate:
    """There is nothing to send any more, or no time for it."""

    reason: str


Outcome: TypeAlias = DeliveryOutcome | TooLate


class Outcomes:
    """Writes down what came of attempts. ``jitter`` gives numbers from 0 to 1."""

    def __init__(
        self,
        database: Executor,
        *,
        clock: Clock,
        keys: CodeKeys,
        policy: Policy,
        retries: RetryPolicy,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._deliveries = DeliveryStore(database)
        self._taken = TakenMarks(database, clock)
        self._suppressions = SuppressionStore(database)
        self._provider_messages = ProviderMessageStore(database)
        self._clock = clock
        self._keys = keys
        self._policy = policy
        self._retries = retries
        self._jitter = jitter

    async def record(self, delivery: ClaimedDelivery, outcome: Outcome, destination_hash: bytes) -> None:
        """Mark a message after an attempt at it; ``destination_hash`` is its address's."""
        now = self._clock.now()
        match outcome:
            case Accepted():
                await self._accepted(delivery, outcome, destination_hash, now)
            case PermanentFailure():
                await self._bounced(delivery, outcome, destination_hash, now)
            case TooLate():
                await self._end(delivery, DeliveryState.EXPIRED, outcome.reason, now)
            case TemporaryFailure():
                await self._try_again(delivery, outcome, now)

    async def _accepted(
        self, delivery: ClaimedDelivery, outcome: Accepted, destination_hash: bytes, now: datetime
    ) -> None:
        # First the mark: whoever dies after it has sent once, and only a receipt is lost.
        await self._taken.mark(
            TakenDelivery(
                account_id=delivery.account_id,
                delivery_id=delivery.delivery_id,
                provider=outcome.provider,
                provider_reference=outcome.provider_reference,
                destination_hash=destination_hash,
            )
        )
        _report(delivery, DeliveryState.ACCEPTED, "", outcome.provider)
        if delivery.channel is Channel.TEXT:
            await self._expect_receipt(delivery, outcome, now)

    async def _expect_receipt(self, delivery: ClaimedDelivery, outcome: Accepted, now: datetime) -> None:
        reference = self._keys.reference_hash(outcome.provider, outcome.provider_reference)
        came = await self._provider_messages.mark(reference, delivery.account_id, delivery.delivery_id, now)
        if came is not None:
            await self._deliveries.report(delivery.account_id, delivery.delivery_id, came, now)

    async def _bounced(
        self, delivery: ClaimedDelivery, outcome: PermanentFailure, destination_hash: bytes, now: datetime
    ) -> None:
        await self._end(delivery, DeliveryState.BOUNCED, outcome.reason, now)
        if outcome.about_recipient:
            await self._suppressions.bounced(destination_hash, now, self._policy.hard_bounce_pause)

    async def _try_again(self, delivery: ClaimedDelivery, failure: TemporaryFailure, now: datetime) -> None:
        moment = self._retries.next_attempt(
            attempt=delivery.attempt,
            is_code=delivery.challenge_id is not None,
            now=now,
            expire_time=delivery.expire_time,
            at_least=failure.retry_after,
            jitter=self._jitter(),
        )
        if moment is None:
            await self._end(delivery, DeliveryState.EXPIRED, failure.reason, now)
            return
        await self._deliveries.mark_failed(delivery, moment, failure.reason, now)
        _report(delivery, DeliveryState.QUEUED, failure.reason, "")

    async def _end(self, delivery: ClaimedDelivery, state: DeliveryState, reason: str, now: datetime) -> None:
        await self._deliveries.mark_over(delivery, state, reason, now)
        _report(delivery, state, reason, "")


def _report(delivery: ClaimedDelivery, state: DeliveryState, reason: str, provider: str) -> None:
    count_delivery(channel=delivery.channel, kind=delivery.kind, state=state, provider=provider)
    write = _log.info if state is DeliveryState.ACCEPTED else _log.warning
    write(
        "delivery",
        account_id=delivery.account_id,
        delivery_id=delivery.delivery_id,
        kind=delivery.kind,
        channel=delivery.channel,
        state=state,
        attempt=delivery.attempt,
        provider=provider,
        reason=reason,
    )

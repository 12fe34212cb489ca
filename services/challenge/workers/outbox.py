"""The worker that brings queued messages to their providers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.persistence.database import Executor
from libs.persistence.jobs import run_worker
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    EmailMessageToSend,
    EmailSender,
    PermanentFailure,
    TemporaryFailure,
    TextMessageToSend,
    TextSender,
)
from services.challenge.domain.challenge import Channel, DeliveryState
from services.challenge.domain.codes import CodeKeys
from services.challenge.domain.policy import RetryPolicy
from services.challenge.messages.renderer import MessageFacts, MessageRenderer
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.storage.deliveries import ClaimedDelivery, DeliveryStore
from services.challenge.workers.changes import ChallengeChanges

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Senders:
    """The providers; None where a channel has none."""

    email: EmailSender | None = None
    text: TextSender | None = None

    def channels(self) -> frozenset[Channel]:
        """The channels that can be used."""
        present = {Channel.EMAIL: self.email, Channel.TEXT: self.text}
        return frozenset(channel for channel, sender in present.items() if sender is not None)

    async def close(self) -> None:
        """Disconnect."""
        for sender in (self.email, self.text):
            if sender is not None:
                await sender.close()


@dataclass(frozen=True, slots=True)
class _TooLate:
    """There is nothing to send any more, or no time for it."""

    reason: str


class Outbox:
    """Claims messages on a lease, sends and marks them.

    A worker that dies between sending and marking leaves the message to another one, which sends the same code under
    the same message id. ``jitter`` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        database: Executor,
        *,
        clock: Clock,
        keys: CodeKeys,
        senders: Senders,
        renderer: MessageRenderer,
        retries: RetryPolicy,
        lease: timedelta,
        changes: ChallengeChanges,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._challenges = ChallengeStore(database)
        self._deliveries = DeliveryStore(database)
        self._clock = clock
        self._keys = keys
        self._senders = senders
        self._renderer = renderer
        self._retries = retries
        self._lease = lease
        self._changes = changes
        self._jitter = jitter

    async def run(self, *, idle: timedelta, wake: asyncio.Event, concurrency: int) -> None:
        """Work until cancelled; what is under way is then finished."""
        await run_worker(self.claim, self.handle, idle=idle, wake=wake, concurrency=concurrency)

    async def claim(self, limit: int) -> list[ClaimedDelivery]:
        """Up to ``limit`` due messages."""
        now = self._clock.now()
        return await self._deliveries.claim(limit, now=now, lease_until=now + self._lease)

    async def handle(self, delivery: ClaimedDelivery) -> None:
        """Send one message and mark what came of it."""
        try:
            outcome = await self._send(delivery)
        except Exception as error:
            # Ours to mend, such as a template that fails: tried again like a provider's failure, and capped like one.
            _log.exception("message not sent", account_id=delivery.account_id, delivery_id=delivery.delivery_id)
            outcome = TemporaryFailure(reason=f"fault: {type(error).__name__}")
        await self._mark(delivery, outcome)
        if delivery.challenge_id is not None:
            self._changes.announce(delivery.account_id, delivery.challenge_id)

    async def _send(self, delivery: ClaimedDelivery) -> DeliveryOutcome | _TooLate:
        now = self._clock.now()
        if delivery.attempt > self._retries.max_attempts:
            return _TooLate("too many attempts")
        if delivery.expire_time <= now:
            return _TooLate("too late")
        code = await self._code(delivery, now)
        if code is None:
            return _TooLate("the challenge is over")
        address = self._keys.open_destination(delivery.account_id, delivery.delivery_id, delivery.sealed_destination)
        facts = MessageFacts.from_parameters(delivery.parameters, code=code, expire_time=delivery.expire_time, now=now)
        try:
            return await self._hand_over(delivery, address, facts)
        except ServiceError as refusal:
            return PermanentFailure(reason=f"refused: {', '.join(each.field for each in refusal.fields)}")

    async def _code(self, delivery: ClaimedDelivery, now: datetime) -> str | None:
        """The code to be sent, "" for a notice, None where its challenge is over."""
        if delivery.challenge_id is None:
            return ""
        challenge = await self._challenges.find(delivery.account_id, delivery.challenge_id)
        if challenge is None or challenge.sealed_code is None or not challenge.is_pending(now):
            return None
        return self._keys.open_code(delivery.account_id, delivery.challenge_id, challenge.sealed_code)

    async def _hand_over(self, delivery: ClaimedDelivery, address: str, facts: MessageFacts) -> DeliveryOutcome:
        message_id = self._renderer.message_id(delivery.message_id)
        if delivery.channel is Channel.TEXT:
            if self._senders.text is None:
                return TemporaryFailure(reason="no provider for texts")
            text = self._renderer.text(delivery.kind, delivery.language, facts)
            return await self._senders.text.send(TextMessageToSend(message_id=message_id, recipient=address, text=text))
        if self._senders.email is None:
            return TemporaryFailure(reason="no provider for emails")
        email = self._renderer.email(delivery.kind, delivery.language, facts)
        return await self._senders.email.send(
            EmailMessageToSend(
                message_id=message_id, recipient=address, subject=email.subject, text=email.text, html=email.html
            )
        )

    async def _mark(self, delivery: ClaimedDelivery, outcome: DeliveryOutcome | _TooLate) -> None:
        now = self._clock.now()
        match outcome:
            case Accepted():
                await self._deliveries.mark_accepted(delivery, outcome.provider_reference, now)
                self._report(delivery, DeliveryState.ACCEPTED, "")
            case PermanentFailure():
                await self._end(delivery, DeliveryState.BOUNCED, outcome.reason, now)
            case _TooLate():
                await self._end(delivery, DeliveryState.EXPIRED, outcome.reason, now)
            case TemporaryFailure():
                await self._try_again(delivery, outcome, now)

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
        self._report(delivery, DeliveryState.QUEUED, failure.reason)

    async def _end(self, delivery: ClaimedDelivery, state: DeliveryState, reason: str, now: datetime) -> None:
        await self._deliveries.mark_over(delivery, state, reason, now)
        self._report(delivery, state, reason)

    def _report(self, delivery: ClaimedDelivery, state: DeliveryState, reason: str) -> None:
        write = _log.info if state is DeliveryState.ACCEPTED else _log.warning
        write(
            "delivery",
            account_id=delivery.account_id,
            delivery_id=delivery.delivery_id,
            kind=delivery.kind,
            channel=delivery.channel,
            state=state,
            attempt=delivery.attempt,
            reason=reason,
        )

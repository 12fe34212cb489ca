"""The worker that brings queued messages to their providers."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from libs.persistence.database import Executor
from libs.persistence.jobs import run_worker
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.challenge.delivery.port import (
    DeliveryOutcome,
    EmailMessageToSend,
    EmailSender,
    PermanentFailure,
    TemporaryFailure,
    TextMessageToSend,
    TextSender,
)
from services.challenge.domain.challenge import Channel
from services.challenge.domain.codes import CodeKeys
from services.challenge.domain.destinations import Destination
from services.challenge.messages.renderer import MessageFacts, MessageRenderer
from services.challenge.storage.deliveries import SEALED_DISOWN_TOKEN, ClaimedDelivery, DeliveryStore
from services.challenge.workers.changes import ChallengeChanges
from services.challenge.workers.outcomes import Outcome, Outcomes, TooLate

_log = get_logger(__name__)


class ListeningSender(Protocol):
    """A sender that listens for receipts."""

    def start(self) -> None:
        """Connect, and listen from now on."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Senders:
    """The providers; None where a channel has none."""

    email: EmailSender | None = None
    text: TextSender | None = None
    listening: tuple[ListeningSender, ...] = ()
    """Those that receipts come to: they connect at the start, since a receipt may come before the first text."""

    def channels(self) -> frozenset[Channel]:
        """The channels that can be used."""
        present = {Channel.EMAIL: self.email, Channel.TEXT: self.text}
        return frozenset(channel for channel, sender in present.items() if sender is not None)

    async def close(self) -> None:
        """Disconnect."""
        for sender in (self.email, self.text):
            if sender is not None:
                await sender.close()


class Outbox:
    """Claims messages on a lease, sends and marks them.

    A worker that dies between sending and marking leaves the message to another one, which sends the same code under
    the same message id.
    """

    def __init__(
        self,
        database: Executor,
        *,
        clock: Clock,
        keys: CodeKeys,
        senders: Senders,
        renderer: MessageRenderer,
        outcomes: Outcomes,
        max_attempts: int,
        lease: timedelta,
        changes: ChallengeChanges,
    ) -> None:
        self._deliveries = DeliveryStore(database)
        self._clock = clock
        self._keys = keys
        self._senders = senders
        self._renderer = renderer
        self._outcomes = outcomes
        self._max_attempts = max_attempts
        self._lease = lease
        self._changes = changes

    async def run(self, *, idle: timedelta, wake: asyncio.Event, concurrency: int) -> None:
        """Work until cancelled; what is under way is then finished."""
        await run_worker(self.claim, self.handle, idle=idle, wake=wake, concurrency=concurrency)

    async def claim(self, limit: int) -> list[ClaimedDelivery]:
        """Up to ``limit`` due messages."""
        now = self._clock.now()
        return await self._deliveries.claim(limit, now=now, lease_until=now + self._lease)

    async def handle(self, delivery: ClaimedDelivery) -> None:
        """Send one message and mark what came of it."""
        hashed = b""
        try:
            destination = self._destination(delivery)
            hashed = self._keys.destination_hash(destination.canonical)
            outcome = await self._send(delivery, destination.address, hashed)
        except Exception as error:
            # Ours to mend, such as a template that fails: tried again like a provider's failure, and capped like one.
            _log.exception("message not sent", account_id=delivery.account_id, delivery_id=delivery.delivery_id)
            outcome = TemporaryFailure(reason=f"fault: {type(error).__name__}")
        await self._outcomes.record(delivery, outcome, hashed)
        if delivery.challenge_id is not None:
            self._changes.announce(delivery.account_id, delivery.challenge_id)

    def _destination(self, delivery: ClaimedDelivery) -> Destination:
        address = self._keys.open_destination(delivery.account_id, delivery.delivery_id, delivery.sealed_destination)
        return Destination(channel=delivery.channel, address=address)

    async def _send(self, delivery: ClaimedDelivery, address: str, hashed: bytes) -> Outcome:
        now = self._clock.now()
        if delivery.attempt > self._max_attempts:
            return TooLate(reason="too many attempts")
        if delivery.expire_time <= now:
            return TooLate(reason="too late")
        if delivery.challenge_id is not None and delivery.sealed_code is None:
            return TooLate(reason="the challenge is over")
        code = self._code(delivery)
        facts = MessageFacts.from_parameters(
            delivery.parameters,
            code=code,
            expire_time=delivery.expire_time,
            now=now,
            unsubscribe_url=self._unsubscribe_link(delivery, hashed),
            disown_url=self._disown_link(delivery),
            invitation_token=self._invitation(delivery),
        )
        try:
            return await self._hand_over(delivery, address, facts)
        except ServiceError as refusal:
            return PermanentFailure(reason=f"refused: {', '.join(each.field for each in refusal.fields)}")

    def _code(self, delivery: ClaimedDelivery) -> str:
        """The code to be sent; empty for a notice."""
        if delivery.challenge_id is None or delivery.sealed_code is None:
            return ""
        return self._keys.open_code(delivery.account_id, delivery.challenge_id, delivery.sealed_code)

    def _invitation(self, delivery: ClaimedDelivery) -> str:
        """What an invitation's link opens; empty for any other message."""
        sealed = delivery.parameters.get("sealed_invitation", "")
        if not sealed:
            return ""
        return self._keys.open_invitation(delivery.account_id, delivery.delivery_id, b64decode(sealed))

    async def _hand_over(self, delivery: ClaimedDelivery, address: str, facts: MessageFacts) -> DeliveryOutcome:
        if delivery.channel is Channel.TEXT:
            return await self._hand_over_text(delivery, address, facts)
        return await self._hand_over_email(delivery, address, facts)

    async def _hand_over_text(self, delivery: ClaimedDelivery, address: str, facts: MessageFacts) -> DeliveryOutcome:
        if self._senders.text is None:
            return TemporaryFailure(reason="no provider for texts")
        return await self._senders.text.send(
            TextMessageToSend(
                message_id=self._renderer.message_id(delivery.message_id),
                recipient=address,
                text=self._renderer.text(delivery.kind, delivery.language, facts),
                callback_query={"account_id": str(delivery.account_id), "delivery_id": str(delivery.delivery_id)},
            )
        )

    async def _hand_over_email(self, delivery: ClaimedDelivery, address: str, facts: MessageFacts) -> DeliveryOutcome:
        if self._senders.email is None:
            return TemporaryFailure(reason="no provider for emails")
        link = facts.unsubscribe_url
        email = self._renderer.email(delivery.kind, delivery.language, facts)
        return await self._senders.email.send(
            EmailMessageToSend(
                message_id=self._renderer.message_id(delivery.message_id),
                recipient=address,
                subject=email.subject,
                text=email.text,
                html=email.html,
                # RFC 8058: a mail program's one click, without a page between.
                headers={"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
                if link
                else {},
            )
        )

    def _disown_link(self, delivery: ClaimedDelivery) -> str:
        """Where the owner says "it wasn't me"; empty where nobody gave a token, or no page takes it."""
        sealed = delivery.parameters.get(SEALED_DISOWN_TOKEN, "")
        if not sealed:
            return ""
        token = self._keys.open_disown_token(delivery.account_id, delivery.delivery_id, sealed)
        return self._renderer.disown_link(token)

    def _unsubscribe_link(self, delivery: ClaimedDelivery, hashed: bytes) -> str:
        """The link that ends notices of this kind to this address; codes and texts have none."""
        if delivery.challenge_id is not None or delivery.channel is not Channel.EMAIL:
            return ""
        return self._renderer.unsubscribe_link(self._keys.unsubscribe_token(delivery.kind, hashed))

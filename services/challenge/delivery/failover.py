"""Several providers of one kind in order: when one fails, the next one is asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from libs.runtime.clock import Clock
from libs.runtime.logging import get_logger
from services.challenge.delivery.port import DeliveryOutcome, TemporaryFailure

_FAILURES: Final = 3
_PAUSE: Final = timedelta(seconds=30)
_log = get_logger(__name__)

MessageT = TypeVar("MessageT", contravariant=True)


class Sender(Protocol[MessageT]):
    """What an email sender and a text sender have in common."""

    async def send(self, message: MessageT) -> DeliveryOutcome:
        """Hand one message over."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class CircuitBreaker:
    """Whether a provider is worth asking: after some failures in a row only one message now and then finds that out."""

    def __init__(self, *, failures: int = _FAILURES, pause: timedelta = _PAUSE) -> None:
        self._most = failures
        self._pause = pause
        self._failures = 0
        self._next_try: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Whether to ask it. While it is open, the first to come after the pause is let through, and no other."""
        if self._next_try is None:
            return True
        if now < self._next_try:
            return False
        self._next_try = now + self._pause
        return True

    def record(self, *, failed: bool, now: datetime) -> bool:
        """Take in what came of a message; whether the provider is given up for now by that."""
        if not failed:
            self._failures, self._next_try = 0, None
            return False
        self._failures += 1
        opened = self._failures >= self._most and self._next_try is None
        if self._failures >= self._most:
            self._next_try = now + self._pause
        return opened


class FailoverSender(Generic[MessageT]):
    """A sender over several, in the order of preference.

    A temporary failure goes on to the next provider at once, under the same message id; where a provider took the
    message and its answer was lost, that is a second copy of the same code. What is permanent stops: the next provider
    would find the same address dead. When all are given up, the first is asked all the same.
    """

    def __init__(self, senders: Sequence[Sender[MessageT]], clock: Clock) -> None:
        if not senders:
            raise ValueError("at least one sender is needed")
        self._senders = [(sender, CircuitBreaker()) for sender in senders]
        self._clock = clock

    async def send(self, message: MessageT) -> DeliveryOutcome:
        """Hand one message to the first provider that takes it, or refuses it for good."""
        failures: list[TemporaryFailure] = []
        for sender, breaker in self._senders:
            # Asked one by one: a provider that the message does not come to keeps its next try.
            if not breaker.allows(self._clock.now()):
                continue
            outcome = await self._send(sender, breaker, message)
            if not isinstance(outcome, TemporaryFailure):
                return outcome
            failures.append(outcome)
        return _soonest(failures) if failures else await self._send(*self._senders[0], message)

    async def _send(self, sender: Sender[MessageT], breaker: CircuitBreaker, message: MessageT) -> DeliveryOutcome:
        outcome = await sender.send(message)
        if breaker.record(failed=isinstance(outcome, TemporaryFailure), now=self._clock.now()):
            _log.warning("provider given up for now", provider=self._number(sender))
        return outcome

    async def close(self) -> None:
        """Disconnect from all."""
        await asyncio.gather(*(sender.close() for sender, _ in self._senders))

    def _number(self, sender: Sender[MessageT]) -> int:
        return 1 + [each for each, _ in self._senders].index(sender)


def _soonest(failures: Sequence[TemporaryFailure]) -> TemporaryFailure:
    """The last failure, to be repeated when the first of the providers may be back."""
    waits = [failure.retry_after for failure in failures if failure.retry_after is not None]
    soonest = min(waits) if len(waits) == len(failures) else None
    return TemporaryFailure(reason=failures[-1].reason, retry_after=soonest)

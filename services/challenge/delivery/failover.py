"""Several providers of one channel, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from libs.runtime.clock import Clock
from libs.runtime.logging import get_logger
from services.challenge.delivery.circuit import Circuit, CircuitPolicy, Permit
from services.challenge.delivery.port import (
    DeliveryOutcome,
    EmailMessageToSend,
    TemporaryFailure,
    TextMessageToSend,
)

MessageT = TypeVar("MessageT")
MessageT_contra = TypeVar("MessageT_contra", contravariant=True)
_DEFAULT_POLICY: Final = CircuitPolicy()
_log = get_logger(__name__)


class Sender(Protocol[MessageT_contra]):
    """An ``EmailSender`` or a ``TextSender``."""

    async def send(self, message: MessageT_contra) -> DeliveryOutcome:
        """Hand one message over."""
        ...

    async def close(self) -> None:
        """Let what is under way end, then disconnect."""
        ...


@dataclass(kw_only=True, slots=True)
class _Provider(Generic[MessageT]):
    name: str
    sender: Sender[MessageT]
    circuit: Circuit = field(default_factory=Circuit)


class FailoverSender(Generic[MessageT]):
    """A sender over others, each with its name, in the order of preference.

    After a temporary failure the next provider gets the message at once; acceptance and a refusal for good end it. A
    provider that keeps failing is skipped until a message may probe it. Where an answer was lost, the message may
    arrive by two providers: with the same id, and the same code.
    """

    def __init__(
        self, senders: Sequence[tuple[str, Sender[MessageT]]], *, clock: Clock, policy: CircuitPolicy = _DEFAULT_POLICY
    ) -> None:
        if not senders:
            raise ValueError("at least one sender is needed")
        self._providers = [_Provider(name=name, sender=sender) for name, sender in senders]
        self._clock = clock
        self._policy = policy
        self._closed = False

    async def send(self, message: MessageT) -> DeliveryOutcome:
        """See ``EmailSender.send`` and ``TextSender.send``."""
        failures: list[TemporaryFailure] = []
        for provider in self._providers:
            provider.circuit, permit = provider.circuit.begin(self._clock.now())
            if permit is Permit.NO and not self._closed:
                continue
            outcome = await provider.sender.send(message)
            if not isinstance(outcome, TemporaryFailure):
                self._succeeded(provider)
                return outcome
            self._failed(provider, permit, outcome)
            failures.append(outcome)
        return _all_failed(failures) if failures else self._all_skipped()

    async def close(self) -> None:
        """See ``EmailSender.close``."""
        self._closed = True
        for provider in self._providers:
            await provider.sender.close()

    def _succeeded(self, provider: _Provider[MessageT]) -> None:
        if provider.circuit.probe_at is not None:
            _log.info("provider is back", provider=provider.name)
        provider.circuit = provider.circuit.succeeded()

    def _failed(self, provider: _Provider[MessageT], permit: Permit, failure: TemporaryFailure) -> None:
        was_closed = provider.circuit.probe_at is None
        provider.circuit = provider.circuit.failed(self._clock.now(), permit, self._policy)
        opened = was_closed and provider.circuit.probe_at is not None
        write = _log.warning if opened and not self._closed else _log.info
        write("provider is skipped" if opened else "provider failed", provider=provider.name, reason=failure.reason)

    def _all_skipped(self) -> TemporaryFailure:
        now = self._clock.now()
        waits = [_until(provider.circuit.probe_at, now) for provider in self._providers]
        return TemporaryFailure(reason="every provider is out", retry_after=min(waits))


FailoverEmailSender: TypeAlias = FailoverSender[EmailMessageToSend]
FailoverTextSender: TypeAlias = FailoverSender[TextMessageToSend]


def _until(moment: datetime | None, now: datetime) -> timedelta:
    return timedelta(0) if moment is None else max(moment - now, timedelta(0))


def _all_failed(failures: Sequence[TemporaryFailure]) -> TemporaryFailure:
    """Every reason, and the shortest wait: whichever provider is back first will do."""
    waits = [failure.retry_after for failure in failures]
    known = [wait for wait in waits if wait is not None]
    return TemporaryFailure(
        reason="; ".join(failure.reason for failure in failures),
        retry_after=min(known) if len(known) == len(waits) else None,
    )

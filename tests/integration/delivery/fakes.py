"""Senders without a wire, which answer and refuse as the real ones do (see the contract tests)."""

from __future__ import annotations

from collections import deque

from services.challenge.delivery.checks import check_email, check_text
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    EmailMessageToSend,
    TemporaryFailure,
    TextMessageToSend,
)


class _Script:
    """Outcomes to answer with before accepting again."""

    def __init__(self) -> None:
        self._outcomes: deque[DeliveryOutcome] = deque()
        self._closed = False

    def answer_next(self, outcome: DeliveryOutcome, *, times: int = 1) -> None:
        """Answer the next ``times`` sends with ``outcome``; a failure keeps nothing."""
        self._outcomes.extend([outcome] * times)

    async def close(self) -> None:
        self._closed = True

    def _outcome(self, message_id: str) -> DeliveryOutcome:
        if self._closed:
            return TemporaryFailure(reason="the sender is closed")
        return self._outcomes.popleft() if self._outcomes else Accepted(provider_reference=message_id)


class FakeEmailSender(_Script):
    """An ``EmailSender`` that keeps what it accepted in ``sent``."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[EmailMessageToSend] = []

    async def send(self, message: EmailMessageToSend) -> DeliveryOutcome:
        check_email(message)
        outcome = self._outcome(message.message_id)
        if isinstance(outcome, Accepted):
            self.sent.append(message)
        return outcome


class FakeTextSender(_Script):
    """A ``TextSender`` that keeps what it accepted in ``sent``."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[TextMessageToSend] = []

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        check_text(message)
        outcome = self._outcome(message.message_id)
        if isinstance(outcome, Accepted):
            self.sent.append(message)
        return outcome

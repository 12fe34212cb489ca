"""The ports through which messages leave: records and protocols, no driver.

A sender answers with an outcome and never raises for a delivery that failed. It raises ``ServiceError``
(``INVALID_FIELD``) only for a message that no provider could carry. An outcome's reason is fit for a log: it holds
no address, no text and no words of the provider's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailMessageToSend:
    """One email to one person; its repr shows the message id alone.

    ``message_id`` is the caller's, the same for each repeat; without a domain it gets the sender's.
    ``headers`` are further headers, such as ``List-Unsubscribe``; those the sender writes itself are refused.
    """

    message_id: str
    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextMessageToSend:
    """One text message to one number in E.164 form; its repr shows the message id alone."""

    message_id: str
    recipient: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The provider took the message over; ``provider_reference`` is its own id for it."""

    provider_reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TemporaryFailure:
    """Not delivered, or not known to be; to be repeated, no sooner than ``retry_after`` where it is given."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PermanentFailure:
    """The provider will never carry this message to this recipient."""

    reason: str


DeliveryOutcome: TypeAlias = Accepted | TemporaryFailure | PermanentFailure


class EmailSender(Protocol):
    """Brings emails to their provider."""

    async def send(self, message: EmailMessageToSend) -> DeliveryOutcome:
        """Hand one email over; a repeat with the same message id is the same email."""
        ...

    async def close(self) -> None:
        """Let what is under way end, then disconnect; every later send is a temporary failure."""
        ...


class TextSender(Protocol):
    """Brings text messages to their provider."""

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """Hand one text over, in as many parts as it needs."""
        ...

    async def close(self) -> None:
        """Let what is under way end, then disconnect; every later send is a temporary failure."""
        ...

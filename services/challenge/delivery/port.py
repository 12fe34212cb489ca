"""The ports through which messages leave: records and protocols, no driver.

A sender answers with an outcome and never raises for a delivery that failed. It raises ``ServiceError``
(``INVALID_FIELD``) only for a message that no provider could carry. An outcome's reason is fit for a log: it holds
no address, no text and no words of the provider's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
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
    """One text message to one number in E.164 form; its repr shows the message id alone.

    ``callback_query`` goes along with the address to which a provider over HTTP reports what became of the message.
    """

    message_id: str
    recipient: str = field(repr=False)
    text: str = field(repr=False)
    callback_query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The provider took the message over; ``provider_reference`` is its own id for it, under which receipts come."""

    provider_reference: str
    provider: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TemporaryFailure:
    """Not delivered, or not known to be; to be repeated, no sooner than ``retry_after`` where it is given."""

    reason: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PermanentFailure:
    """The provider will never carry this message to this recipient.

    ``about_recipient`` where the address itself is dead (a hard bounce), not where a policy or the content was refused.
    """

    reason: str
    about_recipient: bool = False


DeliveryOutcome: TypeAlias = Accepted | TemporaryFailure | PermanentFailure


class ReceiptState(StrEnum):
    """What a receipt says."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A provider's later word on a message that it took; ``reason`` is fit for a log."""

    provider: str
    provider_reference: str
    state: ReceiptState
    reason: str = ""


ReceiptSink: TypeAlias = Callable[[Receipt], Awaitable[None]]
"""Takes a receipt in, also one that comes before the provider's answer to the message. Raises ServiceError."""


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

"""Messages that the delivery tests send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.challenge.delivery.port import EmailMessageToSend, TextMessageToSend

RECIPIENT: Final = "ada@example.test"
NUMBER: Final = "+4915112345678"
WORDS: Final = {
    "ascii": "Your code is 123456. Reply to nobody.",
    "german": "Ihr Code für Hearthgate lautet 123456: schöne Grüße, 20 €",
    "gsm extension": "{[~^|\\]} 5€",
    "japanese": "認証コードは123456です",
    "arabic": "رمز التحقق الخاص بك هو 123456",
    "emoji": "Code 123456 👩‍👧 🎬",
}


def an_email(
    *,
    message_id: str = "c1@hearthgate.test",
    recipient: str = RECIPIENT,
    subject: str = "Your code",
    text: str = "Your code is 123456",
    headers: Mapping[str, str] | None = None,
) -> EmailMessageToSend:
    """An email that every sender accepts unless told otherwise."""
    return EmailMessageToSend(
        message_id=message_id,
        recipient=recipient,
        subject=subject,
        text=text,
        html=f"<p>{text}</p>",
        headers=headers or {},
    )


def a_text(*, message_id: str = "c1", recipient: str = NUMBER, text: str = "Your code is 123456") -> TextMessageToSend:
    """A text that every sender accepts unless told otherwise."""
    return TextMessageToSend(message_id=message_id, recipient=recipient, text=text)

"""An email as the bytes that go over the wire (RFC 5322, MIME)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from services.challenge.delivery.checks import is_list_header
from services.challenge.delivery.port import EmailMessageToSend

# Plain 7-bit lines: no server on the way needs 8BITMIME, and no line is too long.
_POLICY: Final = SMTP.clone(cte_type="7bit")
_POLICY_UTF8: Final = SMTPUTF8.clone(cte_type="7bit")
_LIST_FOLD: Final = ">,\r\n <"


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedEmail:
    """Envelope and content; ``needs_utf8`` when the recipient's local part is not ASCII (RFC 6531)."""

    message_id: str
    recipient: str
    needs_utf8: bool
    content: bytes


def encode_email(message: EmailMessageToSend, *, sender: str, sender_domain: str, sent_at: datetime) -> EncodedEmail:
    """Write text and HTML as alternatives, in UTF-8. ``sender`` is the From header's value, in ASCII.

    Raises ``UnicodeError`` for a recipient's domain that IDNA has no form for.
    """
    recipient = _ascii_domain(message.recipient)
    message_id = message.message_id if "@" in message.message_id else f"{message.message_id}@{sender_domain}"
    needs_utf8 = not recipient.isascii()
    mail = EmailMessage(policy=_POLICY_UTF8 if needs_utf8 else _POLICY)
    mail["To"] = recipient
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = f"<{message_id}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, charset="utf-8")
    mail.add_alternative(message.html, subtype="html", charset="utf-8")
    # A boundary of our own: a repeat is the same bytes but for its date.
    mail.set_boundary(f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}")
    # Python 3.11 folds some headers so that words run together; those with free text are written here.
    free = b"".join(_header(*each) for each in (("Subject", message.subject), *message.headers.items()))
    return EncodedEmail(
        message_id=message_id,
        recipient=recipient,
        needs_utf8=needs_utf8,
        content=f"From: {sender}\r\n".encode("ascii") + free + mail.as_bytes(),
    )


def _header(name: str, value: str) -> bytes:
    """One folded header line; what is not plain ASCII goes as encoded words (RFC 2047).

    Addresses of a list (RFC 2369) fold between each other alone: a fold or an encoded word inside of one breaks it.
    """
    if is_list_header(name):
        return f"{name}: {value.replace('>, <', _LIST_FOLD)}\r\n".encode("ascii")
    charset = "us-ascii" if value.isascii() and "=?" not in value else "utf-8"
    folded = Header(value, charset, header_name=name, maxlinelen=76).encode(linesep="\r\n")
    return f"{name}: {folded}\r\n".encode("ascii")


def _ascii_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode('ascii')}"

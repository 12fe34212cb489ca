"""What every sender refuses, whichever provider it speaks to.

The adapters and the fakes of the tests share these checks, so that all refuse alike.
"""

from __future__ import annotations

import re
from typing import Final

from libs.runtime.errors import invalid_field
from services.challenge.delivery.port import EmailMessageToSend, TextMessageToSend
from services.challenge.delivery.text_segments import MAX_SEGMENTS, split_text

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,255}")
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+(@[A-Za-z0-9.-]+)?")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_SUBJECT: Final = 500
# A line has at most 998 octets (RFC 5322); the header's name stands in it, too.
_MAX_LIST_HEADER: Final = 900

# The sender writes these itself, or they would change who gets the mail.
_RESERVED_HEADERS: Final = frozenset(
    {"from", "sender", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "auto-submitted"}
)


def check_email(message: EmailMessageToSend) -> None:
    """Raise ``ServiceError`` (``INVALID_FIELD``) for an email that must not be sent; no value is repeated."""
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise invalid_field("message_id", "must be an id-left or id-left@domain")
    if not _ADDRESS.fullmatch(message.recipient) or _CONTROL.search(message.recipient):
        raise invalid_field("recipient", "must be one plain email address")
    if _CONTROL.search(message.subject) or len(message.subject) > _MAX_SUBJECT:
        raise invalid_field("subject", f"must be one line of at most {_MAX_SUBJECT} characters")
    for field in ("subject", "text", "html"):
        if not _is_encodable(getattr(message, field)):
            raise invalid_field(field, "must be valid Unicode")
    for name, value in message.headers.items():
        _check_header(name, value)


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False  # A lone surrogate.
    return True


def _check_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS or name.lower().startswith("content-"):
        raise invalid_field("headers", "a header's name is malformed or reserved")
    if _CONTROL.search(value) or not _is_encodable(value):
        raise invalid_field("headers", "a header's value must be one line")
    if is_list_header(name) and not (value.isascii() and len(value) <= _MAX_LIST_HEADER):
        raise invalid_field("headers", f"a List header must be ASCII, of at most {_MAX_LIST_HEADER} characters")


def is_list_header(name: str) -> bool:
    """Whether a header holds addresses of a list, such as ``List-Unsubscribe``, which are written as they are."""
    return name.lower().startswith("list-")


def check_text(message: TextMessageToSend) -> None:
    """Raise ``ServiceError`` (``INVALID_FIELD``) for a text that must not be sent; no value is repeated."""
    if not message.message_id:
        raise invalid_field("message_id", "must not be empty")
    if not _E164.fullmatch(message.recipient):
        raise invalid_field("recipient", "must be a number in E.164 form")
    if not message.text:
        raise invalid_field("text", "must not be empty")
    if len(split_text(message.text).parts) > MAX_SEGMENTS:
        raise invalid_field("text", f"must fit {MAX_SEGMENTS} message parts")

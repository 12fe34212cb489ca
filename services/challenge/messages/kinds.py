"""What messages there are, and of what parts."""

from __future__ import annotations

from typing import Final

from services.challenge.domain.challenge import NoticeKind, Purpose

CODE_KINDS: Final = tuple(f"code_{purpose}" for purpose in Purpose)
NOTICE_KINDS: Final = tuple(str(kind) for kind in NoticeKind)
DISOWNABLE_KINDS: Final = frozenset({NoticeKind.NEW_SIGN_IN, NoticeKind.SIGN_IN_STOPPED, NoticeKind.PASSWORD_CHANGED})
"""Notices whose mail may have an "it wasn't me" link."""
KINDS: Final = CODE_KINDS + NOTICE_KINDS
"""Every kind of message, as deliveries name it."""
EMAIL_PARTS: Final = ("subject", "txt", "html")
PARTS: Final = (*EMAIL_PARTS, "sms")
"""What is rendered of a kind: the three parts of an email, and the text message."""

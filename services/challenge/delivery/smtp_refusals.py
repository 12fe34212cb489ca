"""What a mail server's refusal means; its words may repeat the address, its codes cannot."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Final

from services.challenge.delivery.port import PermanentFailure, TemporaryFailure

BUSY_RETRY: Final = timedelta(seconds=30)
_ENHANCED_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")

_DEAD_ADDRESS: Final = frozenset(
    {
        "5.1.1",  # no such mailbox (RFC 3463)
        "5.1.2",  # no such domain (RFC 3463)
        "5.1.3",  # not an address (RFC 3463)
        "5.1.6",  # moved, and nobody knows where to (RFC 3463)
        "5.1.10",  # the domain says that it takes no mail (RFC 7505)
        "5.2.1",  # the mailbox is disabled (RFC 3463)
    }
)
_NO_SUCH_MAILBOX: Final = 550


class Step(StrEnum):
    """How far a mail transaction came."""

    CONNECT = "connect"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"


def read_refusal(code: int, text: str, step: Step) -> PermanentFailure | TemporaryFailure:
    """The outcome of a reply that is no success.

    A 5xx reply to the message itself is permanent; one before the message was named (greeting, TLS, login) is the
    operator's to mend.
    """
    match = _ENHANCED_STATUS.match(text)
    status = match.group() if match else ""
    reason = " ".join(filter(None, ("smtp", str(code), status, f"at {step}")))
    if step is not Step.CONNECT and 500 <= code < 600:
        return PermanentFailure(reason=reason, about_recipient=is_dead_address(code, status, step))
    return TemporaryFailure(reason=reason, retry_after=BUSY_RETRY)


def is_dead_address(code: int, status: str, step: Step) -> bool:
    """Whether a 5xx reply says that the address itself is dead (a hard bounce).

    Only an answer to RCPT speaks of the address; after DATA it is the content that is refused (RFC 5321, 3.3). The
    enhanced status (RFC 3463, registered by RFC 5248), "" where there is none, decides: not so for policies (5.7.x),
    full mailboxes (5.2.2, which empty again), sizes (5.3.4) and the sender's own address (5.1.7, 5.1.8). Without it
    550 is "mailbox unavailable" (RFC 5321, 4.2.3), while 551, 552, 553 and 554 have other causes as well.
    """
    if step is not Step.RCPT or not 500 <= code < 600:
        return False
    return status in _DEAD_ADDRESS if status else code == _NO_SUCH_MAILBOX

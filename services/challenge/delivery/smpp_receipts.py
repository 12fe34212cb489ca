"""Delivery receipts of SMPP 3.4: what a ``deliver_sm`` says about a text that was submitted before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.challenge.delivery.port import ReceiptState

RECEIPTED_MESSAGE_ID: Final = 0x001E
MESSAGE_STATE: Final = 0x0427
_RECEIPT_TYPE, _TYPE_BITS = 0x04, 0x3C
# SMPP 3.4, 5.2.28 and appendix B. What is missing is on its way still, and says nothing yet.
_STATES: Final = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}
_FAILED: Final = frozenset({"EXPIRED", "DELETED", "UNDELIV", "REJECTD"})
_ID: Final = re.compile(rb"\bid:([A-Za-z0-9_.-]{1,65})", re.IGNORECASE)
_STATE: Final = re.compile(rb"\bstat:([A-Z]{1,7})", re.IGNORECASE)


class ReceiptIds(StrEnum):
    """How a provider writes an id in receipts, compared with its answers to submits.

    Some answer in hexadecimal and report in decimal, or the other way round. Digits alone do not tell which, so that
    it has to be set.
    """

    SAME = "same"
    DECIMAL = "decimal"
    HEX = "hex"

    def as_in_receipts(self, answered: str) -> str:
        """An id from an answer, as receipts will write it."""
        try:
            match self:
                case ReceiptIds.DECIMAL:
                    return str(int(answered, 16))
                case ReceiptIds.HEX:
                    return f"{int(answered):x}"
                case ReceiptIds.SAME:
                    return canonical(answered)
        except ValueError:
            return canonical(answered)  # Not a number after all.


@dataclass(frozen=True, kw_only=True, slots=True)
class SmppReceipt:
    """Which message, and what became of it; ``status`` is the protocol's own word."""

    message_id: str
    state: ReceiptState
    status: str


def canonical(message_id: str) -> str:
    """An id without what providers are careless about: letter case, and zeros before it."""
    return message_id.strip().lower().lstrip("0") or "0"


def read_receipt(esm_class: int, text: bytes, parameters: Mapping[int, bytes]) -> SmppReceipt | None:
    """The receipt that a ``deliver_sm`` is; None for anything else, and for a state that is not final.

    Its optional parameters count first, then its text.
    """
    if esm_class & _TYPE_BITS != _RECEIPT_TYPE:
        return None
    message_id, status = _id_of(text, parameters), _status_of(text, parameters)
    if not message_id or status not in _FAILED | {"DELIVRD"}:
        return None
    state = ReceiptState.BOUNCED if status in _FAILED else ReceiptState.DELIVERED
    return SmppReceipt(message_id=canonical(message_id), state=state, status=status)


def _id_of(text: bytes, parameters: Mapping[int, bytes]) -> str:
    given = parameters.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0")
    if not given:
        match = _ID.search(text)
        given = match[1] if match else b""
    return given.decode("ascii", "replace")


def _status_of(text: bytes, parameters: Mapping[int, bytes]) -> str:
    state = parameters.get(MESSAGE_STATE, b"")
    if state:
        return _STATES.get(state[0], "")
    match = _STATE.search(text)
    return match[1].decode().upper() if match else ""

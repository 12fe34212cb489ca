"""What an SMSC's receipt says: read from its options, else from its text.

An id may be written in one way in the answer to the submit and in another in the receipt, most often in hexadecimal
there and in decimal here. Both are compared in one canonical form: an id that is known to be a number becomes that
number in decimal, without leading zeros; any other stays as it is. An id alone does not tell its base ("10" is ten or
sixteen), and guessing by its digits would take message 0xA for message 10. So nothing is guessed: ``MessageIdForms``
says which form this provider writes where. Where it says nothing, an id in the other base most often names no message,
and the receipt has no effect. It names a wrong one where the same digits, read in the other base, are an id that was
given too; small counters do that, so a provider that mixes bases needs its forms set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.challenge.delivery.port import Receipt, ReceiptState

_RECEIPTED_MESSAGE_ID: Final = 0x001E
_MESSAGE_PAYLOAD: Final = 0x0424
_MESSAGE_STATE: Final = 0x0427
_MESSAGE_TYPE, _IS_RECEIPT = 0x3C, 0x04
_ID: Final = re.compile(rb"\bid:\s*([^\s:]+)", re.IGNORECASE)
_STATE: Final = re.compile(rb"\bstat:\s*([A-Z]+)", re.IGNORECASE)
_HEX_DIGITS: Final = re.compile(r"[0-9A-Fa-f]+")
_DECIMAL_DIGITS: Final = re.compile(r"[0-9]+")
_STATES: Final = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}
_MEANINGS: Final = {
    "DELIVRD": ReceiptState.DELIVERED,
    "UNDELIV": ReceiptState.BOUNCED,
    "EXPIRED": ReceiptState.BOUNCED,
    "DELETED": ReceiptState.BOUNCED,
    "REJECTD": ReceiptState.BOUNCED,
}


class IdForm(StrEnum):
    """How a provider writes its message ids in one place; both numeric forms are blind to case and leading zeros."""

    AS_IS = "as_is"
    HEXADECIMAL = "hexadecimal"
    DECIMAL = "decimal"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageIdForms:
    """How a provider writes its message ids in the answer to a submit, in a receipt's text and in its option.

    The option is written as the answer is, as SMPP 3.4 demands, unless told otherwise.
    """

    answer: IdForm = IdForm.AS_IS
    text: IdForm = IdForm.AS_IS
    option: IdForm | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A ``deliver_sm`` as it came; ``options`` are its TLVs by tag."""

    esm_class: int
    octets: bytes
    options: Mapping[int, bytes]


def canonical_id(message_id: str, form: IdForm) -> str:
    """The one form in which ids are compared; see the module."""
    message_id = message_id.strip()
    if form is IdForm.HEXADECIMAL and _HEX_DIGITS.fullmatch(message_id):
        return str(int(message_id, 16))
    if form is IdForm.DECIMAL and _DECIMAL_DIGITS.fullmatch(message_id):
        return message_id.lstrip("0") or "0"
    return message_id


def read_receipt(delivery: Delivery, *, provider: str, forms: MessageIdForms) -> Receipt | None:
    """The receipt in a ``deliver_sm``; None for a message from a phone and for a state that is not the last."""
    # A phone can write "id:… stat:…", but sets neither the type nor the option.
    by_option = _RECEIPTED_MESSAGE_ID in delivery.options
    if delivery.esm_class & _MESSAGE_TYPE != _IS_RECEIPT and not by_option:
        return None
    reference, state = _reference(delivery, forms), _state(delivery)
    meaning = _MEANINGS.get(state)
    if not reference or meaning is None:
        return None
    return Receipt(
        provider=provider,
        provider_reference=reference,
        state=meaning,
        reason="" if meaning is ReceiptState.DELIVERED else state,
    )


def _reference(delivery: Delivery, forms: MessageIdForms) -> str:
    option = _readable(delivery.options.get(_RECEIPTED_MESSAGE_ID, b""))
    if option:
        return canonical_id(option, forms.option or forms.answer)
    found = _ID.search(_text(delivery))
    return canonical_id(_readable(found.group(1)), forms.text) if found else ""


def _state(delivery: Delivery) -> str:
    option = delivery.options.get(_MESSAGE_STATE, b"")
    if option:
        return _STATES.get(option[-1], "")
    found = _STATE.search(_text(delivery))
    return _readable(found.group(1)).upper() if found else ""


def _text(delivery: Delivery) -> bytes:
    return delivery.options.get(_MESSAGE_PAYLOAD, b"") or delivery.octets


def _readable(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii", "replace").strip()

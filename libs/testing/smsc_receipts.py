"""Delivery receipts as SMSCs write them: the text, the options, and ids in the one base or the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import smpp34
from smpp34 import _smpp34 as tags

_STATES: Final = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptStyle:
    """How the local SMSC reports: the states in turn, and whether before it answers the submit.

    ``decimal`` writes the id, hexadecimal in the answer, in decimal. Without ``options`` the text alone says it,
    without ``text`` the options alone.
    """

    states: tuple[str, ...] = ("DELIVRD",)
    before_answer: bool = False
    decimal: bool = False
    options: bool = True
    text: bool = True


def receipt_pdu(
    submit: smpp34.SubmitSm, message_id: str, *, state: str, style: ReceiptStyle, now: datetime, sequence: int
) -> bytes:
    """A ``deliver_sm`` that says what became of ``submit``."""
    written = str(int(message_id, 16)) if style.decimal else message_id
    date = now.strftime("%y%m%d%H%M")
    text = f"id:{written} sub:001 dlvrd:001 submit date:{date} done date:{date} stat:{state} err:000"
    options = [
        smpp34.Tlv(tags.TLV_RECEIPTED_MESSAGE_ID, written.encode() + b"\0"),
        smpp34.Tlv(tags.TLV_MESSAGE_STATE, bytes([_STATES[state]])),
    ]
    return smpp34.DeliverSm(
        source_addr=submit.destination_addr,
        destination_addr=submit.source_addr,
        esm_class=0x04,
        short_message=text.encode() if style.text else b"",
        tlvs=options if style.options else [],
        sequence_number=sequence,
    ).encode()

"""SMPP 3.4 as a local SMSC reads it: command ids and statuses, parts of a text, and the text that they make."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

import smpp34
from smpp34 import _smpp34 as tags

from services.challenge.delivery.gsm7 import decode_gsm7

HEADER: Final = struct.Struct("!IIII")
MAX_PDU: Final = 70_000


class Command(IntEnum):
    """SMPP command ids that the server knows."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_TRANSMITTER = 0x00000002
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    BIND_TRANSCEIVER = 0x00000009
    ENQUIRE_LINK = 0x00000015


class CommandStatus(IntEnum):
    """SMPP command statuses that tests script or the server answers."""

    OK = 0x00
    INVALID_COMMAND = 0x03
    INVALID_BIND_STATE = 0x04
    ALREADY_BOUND = 0x05
    SYSTEM_ERROR = 0x08
    INVALID_DESTINATION = 0x0B
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    QUEUE_FULL = 0x14
    THROTTLED = 0x58


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedText:
    """One text, put together from its parts. ``destination`` is E.164 where the sender said so.

    ``message_id`` is the id given to its first part, ``last_message_id`` to its last; ``sequence`` counts from 1.
    """

    sequence: int
    destination: str
    source: str
    text: str = field(repr=False)
    message_id: str
    last_message_id: str
    parts: int
    data_coding: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    message_id: str
    destination: str
    source: str
    data_coding: int
    reference: int
    total: int
    number: int
    octets: bytes


def read_part(submit: smpp34.SubmitSm, message_id: str) -> Part:
    options = {tlv.tag: tlv.value for tlv in submit.tlvs}
    octets = options.get(tags.TLV_MESSAGE_PAYLOAD, b"") or submit.short_message
    reference, total, number = 0, 1, 1
    if submit.esm_class & 0x40 and octets:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        reference, total, number = read_header(header)
    elif tags.TLV_SAR_TOTAL_SEGMENTS in options:
        reference = int.from_bytes(options[tags.TLV_SAR_MSG_REF_NUM], "big")
        total = options[tags.TLV_SAR_TOTAL_SEGMENTS][0]
        number = options[tags.TLV_SAR_SEGMENT_SEQNUM][0]
    return Part(
        message_id=message_id,
        destination=("+" if submit.dest_addr_ton == 1 else "") + submit.destination_addr.removeprefix("+"),
        source=("+" if submit.source_addr_ton == 1 else "") + submit.source_addr.removeprefix("+"),
        data_coding=submit.data_coding,
        reference=reference,
        total=total,
        number=number,
        octets=octets,
    )


def read_header(header: bytes) -> tuple[int, int, int]:
    """Reference, total and number from a user data header's concatenation element, of either width."""
    while len(header) >= 2:
        kind, length = header[0], header[1]
        value, header = header[2 : 2 + length], header[2 + length :]
        if kind in (0x00, 0x08) and len(value) >= 3:
            return int.from_bytes(value[:-2], "big"), value[-2], value[-1]
    return 0, 1, 1


def join(parts: list[Part], sequence: int, received_at: datetime) -> ReceivedText:
    first = parts[0]
    octets = b"".join(part.octets for part in parts)
    return ReceivedText(
        sequence=sequence,
        destination=first.destination,
        source=first.source,
        text=_decode(octets, first.data_coding),
        message_id=first.message_id,
        last_message_id=parts[-1].message_id,
        parts=len(parts),
        data_coding=first.data_coding,
        received_at=received_at,
    )


def _decode(octets: bytes, data_coding: int) -> str:
    match data_coding:
        case 0:
            return decode_gsm7(octets)
        case 8:
            return octets.decode("utf-16-be")
        case 1 | 3:
            return octets.decode("latin-1")
    return octets.hex()

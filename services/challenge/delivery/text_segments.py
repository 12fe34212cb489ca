"""A text as the parts that one or several short messages carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from services.challenge.delivery.gsm7 import encode_gsm7

MAX_SEGMENTS: Final = 10
# With a header of 7 octets for the 16-bit reference: 133 octets remain of 140, which pack 152 septets.
_GSM7_SINGLE, _GSM7_PART = 160, 152
_UCS2_SINGLE, _UCS2_PART = 140, 132


class DataCoding(IntEnum):
    """SMPP ``data_coding`` values that we send."""

    GSM7 = 0
    UCS2 = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentedText:
    """Encoded parts, without concatenation headers."""

    data_coding: DataCoding
    parts: tuple[bytes, ...]


def split_text(text: str) -> SegmentedText:
    """Encode as GSM-7 where every character is in it, else as UCS-2, cut between characters."""
    septets = encode_gsm7(text)
    if septets is not None:
        return SegmentedText(data_coding=DataCoding.GSM7, parts=_cut(septets, _GSM7_SINGLE, _GSM7_PART))
    # A lone surrogate cannot be sent; a character beyond the BMP is two units that stay together.
    units = [character.encode("utf-16-be", "replace") for character in text]
    return SegmentedText(data_coding=DataCoding.UCS2, parts=_cut(units, _UCS2_SINGLE, _UCS2_PART))


def _cut(characters: Iterable[bytes], single: int, part: int) -> tuple[bytes, ...]:
    whole = list(characters)
    if sum(map(len, whole)) <= single:
        return (b"".join(whole),)
    parts = [b""]
    for character in whole:
        if len(parts[-1]) + len(character) > part:
            parts.append(b"")
        parts[-1] += character
    return tuple(parts)


def message_reference(message_id: str) -> int:
    """16 bits that a repeat of the same message carries again, so that phones know its parts."""
    return int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:2], "big")


def with_header(part: bytes, *, reference: int, total: int, number: int) -> bytes:
    """A part behind its concatenation header (16-bit reference); ``number`` counts from 1."""
    return bytes([0x06, 0x08, 0x04]) + reference.to_bytes(2, "big") + bytes([total, number]) + part

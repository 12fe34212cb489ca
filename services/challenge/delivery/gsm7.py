"""The GSM 7-bit default alphabet (3GPP TS 23.038), one septet to an octet as SMPP carries it."""

from __future__ import annotations

from typing import Final

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_ESCAPE: Final = 0x1B
_SEPTETS: Final = {character: bytes([code]) for code, character in enumerate(_BASIC) if code != _ESCAPE} | {
    character: bytes([_ESCAPE, code]) for code, character in _EXTENDED.items()
}


def encode_gsm7(text: str) -> list[bytes] | None:
    """The septets of each character (two where it needs an escape), or None when one is not in the alphabet."""
    septets = [_SEPTETS.get(character) for character in text]
    known = [each for each in septets if each is not None]
    return known if len(known) == len(septets) else None


def decode_gsm7(octets: bytes) -> str:
    """The text of unpacked septets; an unknown escape reads as a space and the character, as the standard says."""
    characters: list[str] = []
    escaped = False
    for octet in octets:
        code = octet & 0x7F
        if escaped:
            characters.append(_EXTENDED.get(code, f" {_BASIC[code]}"))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            characters.append(_BASIC[code])
    return "".join(characters)

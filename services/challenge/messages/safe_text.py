"""What others wrote, made fit to stand in a message of ours."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from services.challenge.delivery.gsm7 import encode_gsm7

_LONGEST_NAME: Final = 40
# Mail programs make a link of these, and a stranger chose the name.
_LINK_LIKE: Final = re.compile(r"://|@|www\.|\w\.\w{2,}|\d[\d ().-]{5,}\d", re.IGNORECASE)
# Quotes, dashes and the ellipsis, by code point so that they can be told apart here.
_TYPOGRAPHIC: Final = (
    dict.fromkeys((0x2018, 0x2019, 0x201A), "'")
    | dict.fromkeys((0x201C, 0x201D, 0x201E, 0x00AB, 0x00BB), '"')
    | dict.fromkeys((0x2010, 0x2011, 0x2013, 0x2014), "-")
    | {0x2026: "..."}
)


def safe_name(name: str) -> str:
    """A device's name on one line, at most 40 characters; empty where it looks like a link, an address or a number."""
    visible = "".join(character if unicodedata.category(character)[0] not in "CZ" else " " for character in name)
    one_line = " ".join(visible.split())
    return "" if _LINK_LIKE.search(_as_an_address(one_line)) else one_line[:_LONGEST_NAME].strip()


def _as_an_address(text: str) -> str:
    """The text as a program reads it that looks for addresses: full-width letters and dots are ordinary ones."""
    return unicodedata.normalize("NFKC", text).replace("\u3002", ".")


def plain_text_line(text: str, *, gsm7: bool = False) -> str:
    """The text on one line, its runs of white space made one; with ``gsm7``, in that alphabet's characters only."""
    line = " ".join(text.split())
    return _fold(line) if gsm7 else line


def _fold(text: str) -> str:
    """Letters without the marks that the alphabet lacks; what has no such form is left out."""
    folded = []
    for character in text.translate(_TYPOGRAPHIC):
        if encode_gsm7(character) is not None:
            folded.append(character)
            continue
        plain = unicodedata.normalize("NFKD", character)
        folded.append("".join(each for each in plain if encode_gsm7(each) is not None))
    return "".join(folded)

"""What may stand in a text that is shown to people, and from which scripts the letters of a name may come."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_UNSHOWN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""They shape letters in Persian and the languages of India, and join emoji."""
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing."""
_MOST_MARKS: Final = 4
"""Marks on one letter. Unicode UTS 39, 5.4: more than four are no writing of any language."""
_BLACK_FLAG: Final = "\U0001f3f4"
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that one word may mix. Unicode UTS 39, 5.2, "highly restrictive": those of Japanese, Chinese and Korean."""


def problem_of_shown_text(text: str) -> str:
    """What is wrong with a text that is shown to people; empty where nothing is.

    Refused are control characters, what turns the direction of writing, and what is not seen, but for a joiner between
    two characters and the tags of a flag; piled-up marks; and a text that shows nothing at all.
    """
    if any(unicodedata.category(character) in _UNSHOWN for character in text):
        return "must not hold control characters"
    if any(_hidden(text)):
        return "must not hold characters that are not seen or that turn the direction of writing"
    if _most_marks(text) > _MOST_MARKS:
        return f"must not have more than {_MOST_MARKS} marks on one letter"
    if not any(unicodedata.category(each)[0] in "LNPS" and each not in _BLANK for each in text):
        return "must show something"
    return ""


def mixes_scripts(word: str) -> bool:
    """Whether the letters of a word come from scripts that no language mixes, as in homoglyphs: "pаypal"."""
    scripts = {unicodedata.name(each, "UNKNOWN").split()[0] for each in word if unicodedata.category(each)[0] == "L"}
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER)


def _hidden(text: str) -> Iterator[bool]:
    """Whether each character that formats others stands where it must not."""
    framed = f" {text} "
    for (before, character), (_, after) in zip(pairwise(framed), pairwise(framed[1:]), strict=False):
        if unicodedata.category(character) != "Cf":
            continue
        if character in _JOINERS:
            yield before.isspace() or after.isspace() or before in _JOINERS
        else:
            yield not ("\U000e0020" <= character <= "\U000e007f" and _BLACK_FLAG in text)


def _most_marks(text: str) -> int:
    most = marks = 0
    for character in unicodedata.normalize("NFD", text):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        most = max(most, marks)
    return most

"""Passwords that are long and still say next to nothing: repetitions, runs of keys, one well-known word and no more.

Whatever can be put together from such pieces alone is found; a password with two well-known words, or with more than
three characters that belong to no piece, is left in peace.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from enum import StrEnum
from typing import Final

LOOSE: Final = 3
"""Characters that may stand beside the pieces. Ours: "manchesterunited1!" is no better than its word."""
_SHORTEST_RUN: Final = 3
_SHORTEST_UNIT: Final = 8
"""What is repeated must be this long to count: NIST's least length for any password at all (SP 800-63B-4, 3.1.1.2)."""
_SHORTEST_COMMON: Final = 6
_LONGEST_COMMON: Final = 32
_SEPARATORS: Final = frozenset(" ._-")
"""They say nothing where they stand between pieces."""
_NEVER: Final = 1_000
_ROWS: Final = (
    *("abcdefghijklmnopqrstuvwxyz", "12345678901234567890", "`1234567890-=", "~!@#$%^&*()_+"),
    *("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    *("qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *(
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
        "qazwsxedcrfvtgbyhnujmikolp",
    ),
    *("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
)
_RUNS: Final = (*_ROWS, *(row[::-1] for row in _ROWS))


class Finding(StrEnum):
    """What a password consists of."""

    PATTERN = "PATTERN"
    COMMON = "COMMON"
    CONTEXT = "CONTEXT"


def look_for_patterns(text: str, common: Container[object], context: Iterable[str] = ()) -> Finding | None:
    """What ``text``, in folded case, consists of; None where it is more than pieces that everybody knows."""
    if text in common:
        return Finding.COMMON
    if _unit(text) < _SHORTEST_UNIT:
        return Finding.PATTERN
    runs = [_runs_at(text, start) for start in range(len(text))]
    if _reach(text, runs, ())[-1] <= LOOSE:
        return Finding.PATTERN
    words = frozenset(context)
    reached = _reach(text, runs, words)
    if reached[-1] <= LOOSE:
        return Finding.CONTEXT
    candidates = _common_at_the_edge(text, reached, common)
    if any(_reach(text, runs, {*words, each})[-1] <= LOOSE for each in candidates):
        return Finding.COMMON
    return None


def _unit(text: str) -> int:
    """How long the shortest text is that ``text`` repeats, the last time perhaps cut; its own length if none."""
    borders = [0] * len(text)
    length = 0
    for index in range(1, len(text)):
        while length and text[index] != text[length]:
            length = borders[length - 1]
        length += text[index] == text[length]
        borders[index] = length
    unit = len(text) - borders[-1]
    return unit if unit * 2 <= len(text) else len(text)


def _runs_at(text: str, start: int) -> list[int]:
    """Where pieces that begin at ``start`` may end: one character repeated, a sequence, a run of keys, a year."""
    longest = max(_repeat(text, start), max((_along(text, start, run) for run in _RUNS), default=0))
    ends = list(range(start + _SHORTEST_RUN, start + longest + 1))
    if text[start : start + 2] in ("19", "20") and text[start : start + 4].isdecimal() and start + 4 <= len(text):
        ends.append(start + 4)
    return ends


def _repeat(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] == text[start]:
        end += 1
    return end - start


def _along(text: str, start: int, run: str) -> int:
    """How many characters from ``start`` on stand in ``run`` in the same order."""
    at = run.find(text[start])
    if at < 0:
        return 0
    length = 0
    while start + length < len(text) and at + length < len(run) and text[start + length] == run[at + length]:
        length += 1
    return length


def _reach(text: str, runs: list[list[int]], words: Collection[str]) -> list[int]:
    """For each place in ``text``, how few loose characters stand before it when all the rest is pieces."""
    loose = [0, *([_NEVER] * len(text))]
    for start, ends in enumerate(runs):
        so_far = loose[start]
        if so_far > LOOSE:
            continue
        loose[start + 1] = min(loose[start + 1], so_far + (text[start] not in _SEPARATORS))
        for end in ends:
            loose[end] = min(loose[end], so_far)
        for word in words:
            if text.startswith(word, start):
                end = start + len(word)
                loose[end] = min(loose[end], so_far)
    return loose


def _common_at_the_edge(text: str, reached: list[int], common: Container[object]) -> set[str]:
    """Well-known words that begin where the pieces before them end: one of them has to, if it is to be the only one."""
    return {
        text[start:end]
        for start in range(len(text))
        if reached[start] <= LOOSE
        for end in range(start + _SHORTEST_COMMON, min(len(text), start + _LONGEST_COMMON) + 1)
        if text[start:end] in common
    }

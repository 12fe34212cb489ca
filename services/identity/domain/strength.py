"""How hard a password is to guess, as a meter tells it. It guides and refuses nothing (NIST SP 800-63B-4, 3.1.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Warning(StrEnum):
    """What makes a password easy to guess."""

    KEY_ROW = "KEY_ROW"
    KEY_PATTERN = "KEY_PATTERN"
    REPEATED_CHARACTER = "REPEATED_CHARACTER"
    REPEATED_TEXT = "REPEATED_TEXT"
    COMMON = "COMMON"
    NEARLY_COMMON = "NEARLY_COMMON"
    SEQUENCE = "SEQUENCE"
    YEAR = "YEAR"
    DATE = "DATE"
    WORD = "WORD"
    NAME = "NAME"


class Suggestion(StrEnum):
    """What would make it harder."""

    SEVERAL_WORDS = "SEVERAL_WORDS"
    NO_NEED_FOR_SYMBOLS = "NO_NEED_FOR_SYMBOLS"
    ANOTHER_WORD = "ANOTHER_WORD"
    CAPITALS_HELP_LITTLE = "CAPITALS_HELP_LITTLE"
    ALL_CAPITALS_HELP_LITTLE = "ALL_CAPITALS_HELP_LITTLE"
    BACKWARDS_HELPS_LITTLE = "BACKWARDS_HELPS_LITTLE"
    SUBSTITUTION_HELPS_LITTLE = "SUBSTITUTION_HELPS_LITTLE"
    LONGER_KEY_PATTERN = "LONGER_KEY_PATTERN"
    AVOID_REPETITION = "AVOID_REPETITION"
    AVOID_SEQUENCES = "AVOID_SEQUENCES"
    AVOID_YEARS = "AVOID_YEARS"
    AVOID_DATES = "AVOID_DATES"


@dataclass(frozen=True, kw_only=True, slots=True)
class Strength:
    """``score`` 0 to 4; ``guesses_log10`` the decimal logarithm of the guesses it takes, at least."""

    score: int
    guesses_log10: float
    warning: Warning | None
    suggestions: tuple[Suggestion, ...]

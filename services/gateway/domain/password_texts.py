"""What the password meter says to people. English; other languages come with the app, from the enums."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class PasswordRefusal(StrEnum):
    """Why a password would not be taken."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    UNTYPEABLE = "UNTYPEABLE"
    BREACHED = "BREACHED"
    PATTERN = "PATTERN"
    CONTEXT = "CONTEXT"


class PasswordWarning(StrEnum):
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


class PasswordSuggestion(StrEnum):
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


REFUSAL_TEXTS: Final = MappingProxyType(
    {
        PasswordRefusal.TOO_SHORT: "Use at least 15 characters.",
        PasswordRefusal.TOO_LONG: "Use at most 256 characters.",
        PasswordRefusal.UNTYPEABLE: "Leave out what cannot be typed.",
        PasswordRefusal.BREACHED: "This password is known to thieves, or little more than one that is.",
        PasswordRefusal.PATTERN: "This is only a row of keys, a sequence or a repetition.",
        PasswordRefusal.CONTEXT: "This is only our name, your address or your name.",
    }
)

WARNING_TEXTS: Final = MappingProxyType(
    {
        PasswordWarning.KEY_ROW: "Keys in a row are easy to guess.",
        PasswordWarning.KEY_PATTERN: "Short patterns of keys are easy to guess.",
        PasswordWarning.REPEATED_CHARACTER: "One character again and again is easy to guess.",
        PasswordWarning.REPEATED_TEXT: "Repeating a text makes it hardly harder to guess.",
        PasswordWarning.COMMON: "Many people have this password.",
        PasswordWarning.NEARLY_COMMON: "Many people have a password like this.",
        PasswordWarning.SEQUENCE: "Sequences such as abc are easy to guess.",
        PasswordWarning.YEAR: "Recent years are easy to guess.",
        PasswordWarning.DATE: "Dates are easy to guess.",
        PasswordWarning.WORD: "A single word is easy to guess.",
        PasswordWarning.NAME: "Names are easy to guess.",
    }
)

SUGGESTION_TEXTS: Final = MappingProxyType(
    {
        PasswordSuggestion.SEVERAL_WORDS: "Take a few words that do not belong together.",
        PasswordSuggestion.NO_NEED_FOR_SYMBOLS: "There is no need for symbols, digits or capitals.",
        PasswordSuggestion.ANOTHER_WORD: "Add another word or two; uncommon ones are better.",
        PasswordSuggestion.CAPITALS_HELP_LITTLE: "Capitals do not help much.",
        PasswordSuggestion.ALL_CAPITALS_HELP_LITTLE: "All in capitals is nearly as easy to guess.",
        PasswordSuggestion.BACKWARDS_HELPS_LITTLE: "A word backwards is not much harder to guess.",
        PasswordSuggestion.SUBSTITUTION_HELPS_LITTLE: "Writing @ for a does not help much.",
        PasswordSuggestion.LONGER_KEY_PATTERN: "Take a longer pattern of keys, with more turns.",
        PasswordSuggestion.AVOID_REPETITION: "Do not repeat words and characters.",
        PasswordSuggestion.AVOID_SEQUENCES: "Do without sequences.",
        PasswordSuggestion.AVOID_YEARS: "Do without years that are recent or mean something to you.",
        PasswordSuggestion.AVOID_DATES: "Do without dates that mean something to you.",
    }
)

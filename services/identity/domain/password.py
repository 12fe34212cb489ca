"""Which passwords are taken (NIST SP 800-63B-4: long, not known to be breached, no rules of composition)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from libs.runtime.errors import ServiceError, invalid_field
from services.identity.domain.password_patterns import Finding, look_for_patterns

MIN_LENGTH: Final = 15
"""Characters. NIST SP 800-63B-4, 3.1.1.2: at least 15 where the password is the only factor."""
MAX_LENGTH: Final = 256
"""Characters, in form NFKC. NIST: at least 64 must be taken; ours: enough for any sentence, too little for a flood."""


class CommonPasswords(Protocol):
    """The passwords that everybody knows, at hand."""

    def __contains__(self, password: object) -> bool:
        """Whether it is one of them; in lower case."""
        ...


class Refusal(StrEnum):
    """Why a password is not taken."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    UNTYPEABLE = "UNTYPEABLE"
    BREACHED = "BREACHED"
    PATTERN = "PATTERN"
    CONTEXT = "CONTEXT"


REFUSAL_TEXTS: Final = MappingProxyType(
    {
        Refusal.TOO_SHORT: f"must have {MIN_LENGTH} to {MAX_LENGTH} characters",
        Refusal.TOO_LONG: f"must have {MIN_LENGTH} to {MAX_LENGTH} characters",
        Refusal.UNTYPEABLE: "must not hold control characters, which not every keyboard can type again",
        Refusal.BREACHED: "is known from breaches of other services, or little more than such a one; choose another",
        Refusal.PATTERN: "is only a run of keys, a sequence or a repetition; choose another one",
        Refusal.CONTEXT: "is only the service's name, your address or your name; choose another one",
    }
)

_OF_FINDING: Final = {
    Finding.PATTERN: Refusal.PATTERN,
    Finding.COMMON: Refusal.BREACHED,
    Finding.CONTEXT: Refusal.CONTEXT,
}


def normalize_password(password: str) -> str:
    """Unicode's NFKC form, so that one password typed on two keyboards is the same. Spaces stay, at the ends too.

    It may be up to 18 times as long as what was typed.
    """
    return unicodedata.normalize("NFKC", password)


def refusal(normalized: str, common: CommonPasswords, context: Iterable[str] = ()) -> Refusal | None:
    """Why a password in normal form is not taken, as far as it can be told without looking anything up.

    ``context`` are words that stand around it: the service's name, the address, the profile's name.
    """
    if len(normalized) < MIN_LENGTH:
        return Refusal.TOO_SHORT
    if len(normalized) > MAX_LENGTH:
        return Refusal.TOO_LONG
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normalized):
        return Refusal.UNTYPEABLE
    finding = look_for_patterns(normalized.casefold(), common, context)
    return _OF_FINDING[finding] if finding else None


def password_refused(why: Refusal) -> ServiceError:
    """The error that says so; INVALID_FIELD on ``password``."""
    return invalid_field("password", REFUSAL_TEXTS[why])


def context_words(*, brand: str, email: str = "", profile_names: Iterable[str] = ()) -> frozenset[str]:
    """What NIST calls context-specific words: the service's name, the parts of the address, the names; folded.

    Of an address: the whole, what is before the @ and its parts, and the labels of its domain but the last.
    """
    local, _, domain = email.rpartition("@")
    texts = [brand, email, local, domain, *profile_names]
    texts += [part for text in (local, *profile_names, brand) for part in _parts(text)]
    texts += domain.split(".")[:-1]
    folded = (unicodedata.normalize("NFKC", text).casefold().strip() for text in texts)
    return frozenset(text for text in folded if len(text) >= _SHORTEST_WORD)


_SHORTEST_WORD: Final = 3


def _parts(text: str) -> list[str]:
    """The words of a text: its runs of letters."""
    return "".join(character if character.isalpha() else " " for character in text).split()

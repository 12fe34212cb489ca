"""Which passwords are taken (NIST SP 800-63B-4: long, not known to be breached, no rules of composition)."""

from __future__ import annotations

import unicodedata
from typing import Final

from libs.runtime.errors import invalid_field

MIN_LENGTH: Final = 15
MAX_LENGTH: Final = 256

# The most common ones of 15 or more characters in published breaches, in lower case; shorter ones are refused anyway.
_BREACHED: Final = frozenset(
    {
        "000000000000000",
        "111111111111111",
        "1111111111111111",
        "123123123123123",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
        "123456789123456789",
        "1q2w3e4r5t6y7u8i",
        "1q2w3e4r5t6y7u8i9o0p",
        "1qaz2wsx3edc4rfv",
        "abcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyz",
        "correcthorsebatterystaple",
        "correct horse battery staple",
        "iloveyouiloveyou",
        "letmeinletmeinletmein",
        "password1234567",
        "password12345678",
        "password123456789",
        "passwordpassword",
        "passwordpassword1",
        "qwertyqwertyqwerty",
        "qwertyuiopasdfgh",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertyuiop123456789",
        "qwertyuiop1234567890",
        "thisismypassword",
    }
)


def normalize_password(password: str) -> str:
    """Unicode's NFKC form, so that one password typed on two keyboards is the same."""
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str) -> str:
    """The password to be hashed. Raises INVALID_FIELD on ``password`` for one that is too short or too well known."""
    normalized = normalize_password(password)
    if not MIN_LENGTH <= len(normalized) <= MAX_LENGTH:
        raise invalid_field("password", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if normalized.casefold() in _BREACHED or len(set(normalized)) == 1:
        raise invalid_field("password", "is known from breaches of other services; choose another one")
    return normalized

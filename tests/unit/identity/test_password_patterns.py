"""Which long passwords say next to nothing, and which are left in peace."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.password import Refusal, context_words, normalize_password, refusal
from services.identity.known_passwords import shipped_words

WORDS = context_words(brand="Hearthgate", email="ada.lovelace@mathematics.example", profile_names=["Countess Ada"])


def refused(password: str) -> Refusal | None:
    """Why a password would not be taken, for Ada."""
    return refusal(normalize_password(password), shipped_words(), WORDS)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("1234567890123456", Refusal.PATTERN),
        ("zzzzzzzzzzzzzzzz", Refusal.PATTERN),
        ("abcdabcdabcdabcd", Refusal.PATTERN),
        ("qwertyuiopasdfghjkl", Refusal.PATTERN),
        ("zyxwvutsrq0987654321", Refusal.PATTERN),
        ("aaaabbbbccccdddd!", Refusal.PATTERN),
        ("1990 1991 1992 1993", Refusal.PATTERN),
        ("monkeymonkeymonkey", Refusal.PATTERN),
        ("PasswordPassword", Refusal.BREACHED),
        ("manchesterunited1!", Refusal.BREACHED),
        ("dragon1234567890", Refusal.BREACHED),
        ("Sunshine2019abcdef", Refusal.BREACHED),
        ("correct horse battery staple", Refusal.BREACHED),
        ("ada.lovelace@mathematics.example", Refusal.CONTEXT),
        ("hearthgate1234567", Refusal.CONTEXT),
        ("Hearthgate Ada Lovelace", Refusal.CONTEXT),
        ("Countess Ada 2015", Refusal.CONTEXT),
        ("Countess Ada and the engine", None),
        ("tr0ub4dor and friends", None),
        ("footballbaseball", None),
        ("my dog is called rex", None),
        ("fifteen charact", None),
        (" spaces at both ends ", None),
        ("пароль из трёх слов", None),
        ("🐕🐈🦜🐢🐇🦔🦆🐝🦉🐙🦀🐌🐞🦋🐬", None),
    ],
)
def test_a_password_of_pieces_that_everybody_knows_is_refused_and_any_other_is_not(
    password: str, why: Refusal | None
) -> None:
    assert refused(password) is why


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("fourteen chars", Refusal.TOO_SHORT),
        ("", Refusal.TOO_SHORT),
        ("w" * 257, Refusal.TOO_LONG),
        ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 20, Refusal.TOO_LONG),
        ("a perfectly fine one\x00", Refusal.UNTYPEABLE),
        ("a perfectly fine one\n", Refusal.UNTYPEABLE),
        ("a perfectly\tfine one", Refusal.UNTYPEABLE),
    ],
)
def test_length_is_counted_after_normalising_and_control_characters_are_refused(password: str, why: Refusal) -> None:
    assert refused(password) is why


@given(st.binary(min_size=16, max_size=16))
def test_a_password_by_chance_is_not_refused(chance: bytes) -> None:
    # Hypothesis likes zeros; chance does not.
    assert refused(urlsafe_b64encode(sha256(chance).digest()[:16]).decode().rstrip("=")) is None


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), min_size=1, max_size=7), st.integers(15, 60))
def test_a_short_text_again_and_again_is_refused_however_long_it_gets(unit: str, length: int) -> None:
    repeated = (unit * 60)[:length]
    assert refused(repeated) is not None


@given(st.text(min_size=15, max_size=256))
def test_any_text_is_judged(text: str) -> None:
    why = refused(text)
    assert why is None or why in Refusal


@given(st.sampled_from(sorted(shipped_words())), st.sampled_from(["123456789", "1234567", "!!!", "2024", "qwerty"]))
def test_a_well_known_password_with_a_run_behind_it_is_refused(word: str, run: str) -> None:
    longer = (word + run + run)[:60]
    assert len(longer) < 15 or refused(longer) is not None


def test_context_words_are_the_name_of_the_service_and_the_parts_of_address_and_name() -> None:
    assert {"hearthgate", "ada.lovelace", "ada", "lovelace", "mathematics", "countess"} <= WORDS
    assert "example" not in WORDS
    assert context_words(brand="", email="", profile_names=[""]) == frozenset()

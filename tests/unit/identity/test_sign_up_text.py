"""What a sign-up's address, number and name get: what is kept as it is, what is refused, and by which name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.contact import email_key, normalize_email, normalize_phone
from services.identity.domain.profile import MAX_NAME_LENGTH, clean_name


def field_refused(text: str, parse: object) -> str:
    """The field that the refusal names; the text itself must not stand in it."""
    with pytest.raises(ServiceError) as caught:
        parse(text)  # type: ignore[operator]
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert len(text) < 10 or text not in str(caught.value)
    return caught.value.fields[0].field


@pytest.mark.parametrize(
    "typed",
    [
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\x00@example.com",
        "ada@exam\u200bple.com",
        "\u202eada@example.com",
        "ada @example.com",
        " ada@example.com",
        "ada@example.com ",
        "ada@@example.com",
        "ada@example..com",
        ".ada@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "e" * 64 + ".com",
        "ada@" + "e." * 126 + "com",
        "ada@localhost",
        "ada@server.test",
        "ada@server.invalid",
        "ada@[::1]",
        "аda@example.com",
        "ada@ex\N{CYRILLIC SMALL LETTER A}mple.com",
        "ada@pa\N{CYRILLIC SMALL LETTER U}pal.com",
        "ada@goog\N{GREEK SMALL LETTER LAMDA}e.com",
        "ada@xn--exmple-4nf.com",
        "🐕@example.com",
        "ada@🐕.example",
    ],
)
def test_what_is_no_address_or_looks_like_anothers_is_refused_by_name(typed: str) -> None:
    assert field_refused(typed, normalize_email) == "email"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ada+tv@example.com", "ada+tv@example.com"),
        ("a.d.a@gmail.com", "a.d.a@gmail.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        ("ada@почта.рф", "ada@xn--80a1acny.xn--p1ai"),
        ("ada@한국.kr", "ada@xn--3e0b707e.kr"),
        ("ada@a-tld-that-is-no.longerthere", "ada@a-tld-that-is-no.longerthere"),
    ],
)
def test_whole_scripts_plus_addresses_and_unknown_domains_are_kept(typed: str, normal: str) -> None:
    assert normalize_email(typed) == normal


def test_a_plus_address_is_another_mailbox_and_capitals_are_not() -> None:
    assert email_key(normalize_email("ada+tv@example.com")) != email_key(normalize_email("ada@example.com"))
    assert email_key(normalize_email("Ada@EXAMPLE.com")) == email_key(normalize_email("ada@example.com"))


@given(st.emails())
def test_an_address_keeps_its_normal_form(typed: str) -> None:
    try:
        normal = normalize_email(typed)
    except ServiceError:
        return
    assert normalize_email(normal) == normal
    assert normal.isascii()
    assert not any(character.isspace() for character in normal)


@pytest.mark.parametrize(
    "typed",
    ["+1800FLOWERS", "+4915112345678\n", "+49151\x0012345678", "+49\u202e15112345678", "tel:+4915112345678", "+"],
)
def test_a_number_with_anything_but_digits_and_what_parts_them_is_refused(typed: str) -> None:
    assert field_refused(typed, normalize_phone) == "phone"


@given(st.text(max_size=20))
def test_any_text_is_a_number_in_e164_or_refused(text: str) -> None:
    try:
        number = normalize_phone(text)
    except ServiceError:
        assert field_refused(text, normalize_phone) == "phone"
        return
    assert number.startswith("+")
    assert number[1:].isdecimal()
    assert normalize_phone(number) == number


def name(text: str) -> str:
    """A profile's name."""
    return clean_name(text, "profile_name")


@pytest.mark.parametrize(
    "shown",
    [
        "Ada",
        "Åsa-Lena O'Brien",
        "愛田",
        "می\N{ZERO WIDTH NON-JOINER}خواهم",
        "👩\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "❤️",
        "क्ष",
        "Nguyễn",
        "!",
    ],
)
def test_names_of_all_languages_and_emoji_are_taken_as_they_are(shown: str) -> None:
    assert name(f"  {shown} ") == unicodedata.normalize("NFC", shown)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "n" * 41,
        "a\x00b",
        "a\nb",
        "a\u2028b",
        "\x1b[31mAda",
        "Ada\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
        "Ada\N{RIGHT-TO-LEFT ISOLATE}",
        "A\N{ZERO WIDTH SPACE}da",
        "\N{ZERO WIDTH NO-BREAK SPACE}Ada",
        "\N{ZERO WIDTH JOINER}Ada",
        "Ada\N{ZERO WIDTH JOINER}",
        "A\N{ZERO WIDTH JOINER}\N{ZERO WIDTH JOINER}da",
        "Ada\U000e0041",
        "A" + "\N{COMBINING ACUTE ACCENT}" * 6,
        "\N{HANGUL FILLER}",
        "\N{BRAILLE PATTERN BLANK}",
        "\N{COMBINING ACUTE ACCENT}",
        "so\N{SOFT HYPHEN}ft",
    ],
)
def test_a_name_that_hides_something_or_shows_nothing_is_refused(typed: str) -> None:
    assert field_refused(typed, name) == "profile_name"


@given(st.text(max_size=60))
def test_a_name_is_clean_or_refused_and_stays_as_it_is(typed: str) -> None:
    try:
        cleaned = name(typed)
    except ServiceError:
        assert field_refused(typed, name) == "profile_name"
        return
    assert 1 <= len(cleaned) <= MAX_NAME_LENGTH
    assert name(cleaned) == cleaned
    assert cleaned.isprintable() or any(unicodedata.category(each) in ("Cf", "Cn", "Co", "Zs") for each in cleaned)

"""Identity's rules: contacts, passwords, profiles, sessions, tokens, keys."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import (
    Channel,
    Contact,
    email_key,
    mask_email,
    mask_phone,
    normalize_email,
    normalize_phone,
)
from services.identity.domain.password import normalize_password, refusal
from services.identity.domain.profile import Profile, check_movable, clean_name, owner_profile
from services.identity.known_passwords import shipped_words


def invalid(field: str) -> pytest.RaisesExc[ServiceError]:
    """The block raises INVALID_FIELD on this field."""

    def names_it(error: ServiceError) -> bool:
        return error.reason is ErrorReason.INVALID_FIELD and [each.field for each in error.fields] == [field]

    return pytest.RaisesExc(ServiceError, check=names_it)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ada@EXAMPLE.com", "Ada@example.com"),
        ("ada+films@example.com", "ada+films@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_normal_form(typed: str, normal: str) -> None:
    assert normalize_email(typed) == normal
    assert normalize_email(normal) == normal
    assert email_key(normal) == normal.lower()


@pytest.mark.parametrize(
    "typed",
    ["", "@", "ada", "ada@localhost", "ada@[192.0.2.1]", '"a b"@example.com', "ада@example.com", "Ada <a@example.com>"],
)
def test_what_is_no_deliverable_address_is_refused_without_repeating_it(typed: str) -> None:
    with invalid("email") as caught:
        normalize_email(typed)
    assert not typed or typed == "@" or typed not in str(caught.value)


@given(st.text(max_size=254))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        normal = normalize_email(text)
    except ServiceError:
        return
    assert normal.isascii()
    assert normalize_email(normal) == normal


def test_a_number_is_kept_in_e164() -> None:
    assert normalize_phone("+49 (0)151 12345678") == "+4915112345678"


@pytest.mark.parametrize("typed", ["0151 12345678", "+49", "+999123456789", "+49 151 12345678 ext. 5", "words"])
def test_what_is_no_international_number_is_refused(typed: str) -> None:
    with invalid("phone"):
        normalize_phone(typed)


@given(st.from_regex(r"[a-z]{4,20}@[a-z]{4,20}\.(com|de|co\.uk)", fullmatch=True))
def test_a_masked_address_shows_two_letters_and_the_top_level_domain(address: str) -> None:
    local, domain = address.split("@")
    assert mask_email(address) == f"{local[0]}•••@{domain[0]}•••.{domain.split('.')[-1]}"


def test_masks_hide_length_and_all_but_the_last_two_digits() -> None:
    assert mask_email("a@b.com") == "a•••@b•••.com"
    assert mask_phone("+4915112345678") == "•••78"
    contact = Contact(contact_id=uuid4(), channel=Channel.EMAIL, destination="ada@example.com", verified=True)
    assert contact.masked == "a•••@e•••.com"
    assert "ada" not in repr(contact)


@pytest.mark.parametrize(
    "password",
    ["fourteen chars", "x" * 257, "PASSWORDPASSWORD", "correct horse battery staple", "aaaaaaaaaaaaaaaa"],
)
def test_short_long_and_breached_passwords_are_refused(password: str) -> None:
    assert refusal(normalize_password(password), shipped_words())


def test_a_password_is_taken_as_it_is_but_for_unicodes_normal_form() -> None:
    for taken in ("fifteen charact", " spaces at both ends "):
        assert normalize_password(taken) == taken
        assert refusal(taken, shipped_words()) is None
    decomposed = "cafe\N{COMBINING ACUTE ACCENT} au lait, s'il"
    assert normalize_password(decomposed) == normalize_password("café au lait, s'il")


@given(st.text(max_size=60))
def test_a_clean_name_is_shown_as_it_is_or_refused(name: str) -> None:
    try:
        cleaned = clean_name(name, "name")
    except ServiceError:
        return
    assert 1 <= len(cleaned) <= 40
    assert clean_name(cleaned, "name") == cleaned


def viewer() -> Profile:
    """A profile that may move."""
    return replace(owner_profile(profile_id=uuid4(), account_id=uuid4(), name="Bea"), primary=False)


def test_a_viewer_may_move_and_go_on_moving_to_the_same_account() -> None:
    target = uuid4()
    check_movable(viewer(), target)
    check_movable(replace(viewer(), moving_to=target), target)


@pytest.mark.parametrize("change", [{"primary": True}, {"kids": True}, {"moving_to": UUID(int=7)}], ids=str)
def test_who_must_stay_stays(change: dict[str, object]) -> None:
    profile = replace(viewer(), **change)  # type: ignore[arg-type]
    with pytest.raises(ServiceError) as caught:
        check_movable(profile, uuid4())
    assert caught.value.reason is ErrorReason.STATE_CONFLICT


def test_a_sealed_destination_opens_only_for_its_account_and_channel() -> None:
    keys, account_id = ContactKeys([b"k" * 32]), uuid4()
    sealed = keys.seal("ada@example.com", account_id=account_id, channel=Channel.EMAIL)
    assert keys.open(sealed, account_id=account_id, channel=Channel.EMAIL) == "ada@example.com"
    for other_id, channel in ((uuid4(), Channel.EMAIL), (account_id, Channel.TEXT)):
        with pytest.raises(OpenError):
            keys.open(sealed, account_id=other_id, channel=channel)


def test_rotated_keys_find_and_open_what_the_old_one_entered() -> None:
    old, account_id = ContactKeys([b"o" * 32]), uuid4()
    rotated = ContactKeys([b"n" * 32, b"o" * 32])
    sealed = old.seal("+4915112345678", account_id=account_id, channel=Channel.TEXT)
    assert rotated.open(sealed, account_id=account_id, channel=Channel.TEXT) == "+4915112345678"
    assert set(old.email_hashes("Ada@example.com")) < set(rotated.email_hashes("ada@EXAMPLE.com"))
    assert set(old.fingerprints("M", "a", "b")) < set(rotated.fingerprints("M", "a", "b"))
    assert rotated.fingerprints("M", "a", "b") != rotated.fingerprints("M", "ab", "")


def test_keys_are_read_with_or_without_a_label() -> None:
    text = "A" * 43
    labelled, bare = ContactKeys.from_text(f"2030-01:{text}"), ContactKeys.from_text(text)
    assert labelled.email_hashes("a@b.com") == bare.email_hashes("a@b.com")
    with pytest.raises(ValueError, match="32 bytes"):
        ContactKeys.from_text("label:AAAA")

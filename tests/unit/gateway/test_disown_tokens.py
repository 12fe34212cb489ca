"""Tokens of "it wasn't me": what goes in comes out, under our keys alone, and none is made by turning a bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.keys import OpenError, SealingKeys
from services.gateway.disown_tokens import DisownTokens
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.notices import DISOWNABLE, NoticePolicy
from services.gateway.domain.verification import Requester

OLD, NEW = b"o" * 32, b"n" * 32
LIFETIME = timedelta(days=30)
NOW = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


def tokens(*keys: bytes) -> DisownTokens:
    """Under these keys, the first of which seals."""
    return DisownTokens(SealingKeys(keys), LIFETIME)


claims = st.builds(
    DisownClaim,
    account_id=st.uuids(),
    notice_id=st.uuids(),
    kind=st.sampled_from(sorted(DISOWNABLE)),
    device=st.builds(
        Requester,
        device_id=st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True),
        device_kind=st.integers(1, 6),
        device_name=st.just(""),
        platform=st.integers(1, 12),
        country_code=st.from_regex(r"([A-Z]{2})?", fullmatch=True),
    ),
    expire_time=st.datetimes(datetime(2024, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
)


@given(claim=claims)
def test_a_claim_survives_its_token_which_fits_into_a_link(claim: DisownClaim) -> None:
    token = tokens(NEW).issue(claim)
    assert tokens(NEW).open(token) == claim
    assert len(token) <= 700
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()


@given(claim=claims)
def test_a_token_opens_after_the_keys_were_rotated_and_not_under_others(claim: DisownClaim) -> None:
    token = tokens(OLD).issue(claim)
    assert tokens(NEW, OLD).open(token) == claim
    with pytest.raises(OpenError):
        tokens(NEW).open(token)


@given(claim=claims, data=st.data())
def test_no_turned_character_makes_another_token(claim: DisownClaim, data: st.DataObject) -> None:
    token = tokens(NEW).issue(claim)
    # The last character may hold bits that stand for nothing.
    place = data.draw(st.integers(0, len(token) - 2))
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(OpenError):
        tokens(NEW).open(token[:place] + other + token[place + 1 :])


@given(text=st.text(max_size=300))
def test_whatever_is_typed_is_refused_in_one_way(text: str) -> None:
    with pytest.raises(OpenError):
        tokens(NEW).open(text)


def test_a_token_holds_from_the_event_on_in_whole_seconds() -> None:
    assert tokens(NEW).expire_time(NOW) == NOW.replace(microsecond=0) + LIFETIME


@given(attempt=st.integers(1, 10_000))
def test_the_delay_between_tries_grows_up_to_its_bound(attempt: int) -> None:
    policy = NoticePolicy(lifetime=timedelta(hours=72))
    assert policy.delay(1) == policy.first_delay
    assert policy.delay(attempt) <= policy.delay(attempt + 1) <= policy.longest_delay

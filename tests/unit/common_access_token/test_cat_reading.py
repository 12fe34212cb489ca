"""What a stranger sends in place of a token: forged, bent and broken messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common_access_token.encoding import MAX_CHARACTERS, decode_cbor, decode_text, encode_text
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import MintingKey
from libs.common_access_token.tokens import Verifier, mint
from tests.unit.common_access_token.cat_world import (
    EDDSA,
    ES256,
    HMAC,
    KEYS,
    NOW,
    POLICY,
    claims,
    message,
    reason_of,
    verifier,
)

ANY_KEY = st.sampled_from(KEYS)
TEXT_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CBOR_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=40)
)
CBOR_VALUES = st.recursive(
    CBOR_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(CBOR_SCALARS, inner, max_size=4)
        | st.builds(cbor2.CBORTag, st.integers(0, 2**64 - 1) | st.sampled_from([2, 28, 52, 54, 258]), inner)
    ),
    max_leaves=8,
)


def test_a_good_message_is_read() -> None:
    assert verifier().read(encode_text(message())).issuer == "hearthgate"


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"unprotected": {4: b"cdn-9"}}, Reason.UNKNOWN_KEY),
        ({"unprotected": {}}, Reason.UNKNOWN_KEY),
        ({"unprotected": {4: "cdn-1"}}, Reason.UNKNOWN_KEY),
        ({"protected": {}}, Reason.WRONG_ALGORITHM),
        ({"protected": {}, "unprotected": {1: 5, 4: b"cdn-1"}}, Reason.WRONG_ALGORITHM),
        ({"protected": {1: 4}}, Reason.WRONG_ALGORITHM),
        ({"protected": {1: 5.0}}, Reason.WRONG_ALGORITHM),
        ({"protected": {1: -7}}, Reason.WRONG_ALGORITHM),
        ({"structure": 18}, Reason.WRONG_ALGORITHM),
        ({"structure": 18, "context": "Signature1"}, Reason.WRONG_ALGORITHM),
        ({"context": "MAC"}, Reason.NOT_AUTHENTIC),
        ({"protected": {1: 5, 2: [99], 99: 1}}, Reason.UNKNOWN_CRITICAL_HEADER),
        ({"protected": {1: 5, 2: []}}, Reason.UNKNOWN_CRITICAL_HEADER),
        ({"unprotected": {4: b"cdn-1", 2: [99]}}, Reason.UNKNOWN_CRITICAL_HEADER),
        ({"protected": {1: 5, 4: b"cdn-1"}}, Reason.MALFORMED),
        ({"protected": [1, 5]}, Reason.MALFORMED),
        ({"protected": {True: 5}}, Reason.MALFORMED),
        ({"unprotected": {4.0: b"cdn-1"}}, Reason.MALFORMED),
        ({"unprotected": []}, Reason.MALFORMED),
        ({"structure": 16}, Reason.MALFORMED),
        ({"structure": 61}, Reason.MALFORMED),
    ],
)
def test_a_message_whose_envelope_is_bent_is_refused(bent: dict[str, Any], reason: Reason) -> None:
    assert reason_of(message(**bent)) is reason


@pytest.mark.parametrize("other", [EDDSA, ES256])
def test_the_key_fixes_the_algorithm_whatever_the_header_says(other: MintingKey) -> None:
    """The public half of a key as the secret of a MAC: the classic confusion."""
    confused = message(key=HMAC, unprotected={4: other.verification.kid})
    assert reason_of(confused) is Reason.WRONG_ALGORITHM
    agreeing = message(
        key=HMAC,
        protected={1: int(other.verification.algorithm)},
        unprotected={4: other.verification.kid},
        structure=18,
        context="Signature1",
    )
    assert reason_of(agreeing) is Reason.NOT_AUTHENTIC


def test_a_kid_may_be_protected() -> None:
    told = message(protected={1: 5, 4: b"cdn-1"}, unprotected={})
    assert verifier().read(encode_text(told)).issuer == "hearthgate"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ([], Reason.MALFORMED),
        ("hearthgate", Reason.MALFORMED),
        ({True: "hearthgate"}, Reason.MALFORMED),
        ({b"iss": "hearthgate"}, Reason.MALFORMED),
        ({1: 5}, Reason.MALFORMED),
        ({2: b"account"}, Reason.MALFORMED),
        ({3: ["cdn", 5]}, Reason.MALFORMED),
        ({4: "1893456000"}, Reason.MALFORMED),
        ({4: True}, Reason.MALFORMED),
        ({4: 1e300}, Reason.MALFORMED),
        ({4: float("nan")}, Reason.MALFORMED),
        ({4: cbor2.CBORTag(1, 1893456000)}, Reason.MALFORMED),
        ({7: "text"}, Reason.MALFORMED),
        ({308: 3}, Reason.MALFORMED),
        ({308: True}, Reason.MALFORMED),
        ({310: 2}, Reason.UNKNOWN_VERSION),
        ({310: 1.0}, Reason.UNKNOWN_VERSION),
        ({311: "192.0.2.0/24"}, Reason.MALFORMED),
        ({311: ["192.0.2.0/24"]}, Reason.MALFORMED),
        ({311: [cbor2.CBORTag(52, [24, b"\xc0\x00\x02\x01"])]}, Reason.MALFORMED),
        ({311: [cbor2.CBORTag(52, [b"\xc0\x00\x02\x01", 24])]}, Reason.MALFORMED),
        ({311: [cbor2.CBORTag(52, b"\xc0\x00\x02")]}, Reason.MALFORMED),
        ({311: [cbor2.CBORTag(54, [24, b"\xc0" * 17])]}, Reason.MALFORMED),
        ({311: [cbor2.CBORTag(54, [b"\xfe\x80" + bytes(14), None, 1])]}, Reason.MALFORMED),
        ({312: {}}, Reason.MALFORMED),
        ({312: {3: {}}}, Reason.MALFORMED),
        ({312: {3: [0, "/"]}}, Reason.MALFORMED),
        ({312: {3: {0: b"/"}}}, Reason.MALFORMED),
        ({312: {3: {-1: "0" * 64}}}, Reason.MALFORMED),
        ({312: {9: {0: "/"}}}, Reason.UNKNOWN_URI_RULE),
        ({312: {"path": {0: "/"}}}, Reason.UNKNOWN_URI_RULE),
        ({312: {3: {5: "/"}}}, Reason.UNKNOWN_URI_RULE),
        ({312: {3: {4: [".*"]}}}, Reason.REGEX_REFUSED),
        ({313: "GET"}, Reason.MALFORMED),
        ({316: [276]}, Reason.MALFORMED),
        ({323: {1: 300}}, Reason.MALFORMED),
        ({323: {0: 0}}, Reason.MALFORMED),
        ({323: {0: 9, 1: 300}}, Reason.MALFORMED),
        ({323: {0: 0, 1: 300, 8: 1}}, Reason.MALFORMED),
        ({323: {0: 0, 1: "300"}}, Reason.MALFORMED),
        ({8: {1: {}}}, Reason.UNKNOWN_CLAIM),
        ({282: "9q8yyk"}, Reason.UNKNOWN_CLAIM),
    ],
)
def test_claims_that_are_bent_are_refused_however_well_they_are_signed(payload: object, reason: Reason) -> None:
    assert reason_of(message(payload=payload)) is reason


def test_what_restricts_and_is_not_understood_is_refused_and_all_else_is_kept() -> None:
    understood = {308, 310, 311, 312, 313, 316, 323}
    for number in set(range(308, 328)) - understood:
        assert reason_of(message(payload={number: 1})) is Reason.UNKNOWN_CLAIM
    read = verifier().read(encode_text(message(payload={"device": "tv", 1000: 1, -5: 2})))
    assert read.other == {"device": "tv", 1000: 1, -5: 2}


@pytest.mark.parametrize(
    "payload",
    [
        "a10142",  # cut off
        "a1016131a0",  # bytes behind
        "bf016131ff",  # indefinite map
        "a1017f61316132ff",  # indefinite text
        "a2016131016132",  # a key twice
        "a1c24101 6131",  # a key in another form: tag 2, bignum
        "d9d9f7a1016131",  # self-described
        "a101d81c6131",  # shared
        "a10161ff",  # not UTF-8
        "a101fc",  # reserved
        "818181818181818181818100",  # too deep
        "",
    ],
)
def test_cbor_that_can_be_read_in_two_ways_or_in_none_is_refused(payload: str) -> None:
    assert reason_of(message(payload=bytes.fromhex(payload.replace(" ", "")))) is Reason.MALFORMED


def test_bytes_behind_the_message_and_other_shapes_are_refused() -> None:
    good = message()
    members = cbor2.loads(good).value.value
    for bent in (
        good + b"\x00",
        good[:-1],
        cbor2.dumps(members),
        cbor2.dumps(cbor2.CBORTag(61, members)),
        cbor2.dumps(cbor2.CBORTag(61, cbor2.CBORTag(61, cbor2.CBORTag(17, members)))),
        cbor2.dumps(cbor2.CBORTag(17, [*members, b""])),
        cbor2.dumps(cbor2.CBORTag(17, [members[0], members[1], None, members[3]])),
        cbor2.dumps(cbor2.CBORTag(17, [*members[:3], None])),
        cbor2.dumps(cbor2.CBORTag(17, {0: 1})),
    ):
        assert reason_of(bent) is Reason.MALFORMED
    assert verifier().read(encode_text(cbor2.dumps(cbor2.CBORTag(17, members)))).issuer == "hearthgate"


def test_no_tag_stands_for_a_value_but_those_of_addresses() -> None:
    """A later cbor2 may know more tags: this finds them."""
    for tag in set(range(2**16)) - {52, 54}:
        for value in (b"\x01", b"\x41\x01", b"\x61a", b"\x80", b"\xa0"):
            try:
                read = decode_cbor(cbor2.dumps(cbor2.CBORTag(tag, 0))[:-1] + value)
            except CatError:
                continue
            assert type(read) is cbor2.CBORTag, tag


@pytest.mark.parametrize("text", ["", "=", "A", "AA==", "AB", "A A", "AA\n", "é", "AA+/", "\x00"])
def test_text_in_another_form_is_refused(text: str) -> None:
    assert reason_of(text) is Reason.MALFORMED


def test_a_text_that_is_too_long_is_not_even_decoded() -> None:
    with pytest.raises(CatError, match="8192"):
        decode_text("A" * (MAX_CHARACTERS + 1))


@given(key=ANY_KEY, data=st.data())
def test_a_flipped_byte_never_verifies(key: MintingKey, data: st.DataObject) -> None:
    good = decode_text(mint(claims(), key))
    place = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    bent = good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :]
    with pytest.raises(CatError):
        verifier().read(encode_text(bent))


@given(key=ANY_KEY, data=st.data())
def test_another_character_never_verifies(key: MintingKey, data: st.DataObject) -> None:
    good = mint(claims(), key)
    place = data.draw(st.integers(0, len(good) - 1))
    character = data.draw(st.sampled_from([each for each in TEXT_CHARACTERS if each != good[place]]))
    with pytest.raises(CatError):
        verifier().read(good[:place] + character + good[place + 1 :])


@given(st.text(max_size=200) | st.text(TEXT_CHARACTERS, max_size=200))
def test_any_text_is_a_token_or_refused_with_a_reason(text: str) -> None:
    with pytest.raises(CatError):
        verifier().read(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_token_or_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(CatError):
        verifier().read(encode_text(data))


@given(st.binary(max_size=120) | CBOR_VALUES.map(cbor2.dumps))
def test_any_signed_payload_is_read_or_refused_with_a_reason(payload: bytes) -> None:
    read_or_refused(message(payload=payload))


@given(st.dictionaries(st.integers(0, 10) | st.integers(308, 323), CBOR_VALUES, max_size=3))
def test_any_signed_claims_are_read_or_refused_with_a_reason(payload: dict[int, object]) -> None:
    read_or_refused(message(payload=payload))


@given(CBOR_VALUES, CBOR_VALUES)
def test_any_headers_are_read_or_refused_with_a_reason(protected: object, unprotected: object) -> None:
    read_or_refused(message(protected=[protected], unprotected=unprotected))
    read_or_refused(message(protected=protected, unprotected={4: b"cdn-1", 99: unprotected}))


def read_or_refused(data: bytes) -> None:
    """Nothing else comes out of it."""
    try:
        verifier().read(encode_text(data))
    except CatError as error:
        assert error.reason in Reason  # noqa: PT017 - either may happen


async def test_what_is_said_of_a_refused_token_holds_nothing_of_it() -> None:
    text = mint(claims(expire_time=NOW + timedelta(seconds=1)), EDDSA)
    stranger = Verifier([HMAC.verification], policy=POLICY)
    with pytest.raises(CatError) as caught:
        stranger.read(text)
    assert str(caught.value) == "UNKNOWN_KEY"
    with pytest.raises(CatError) as caught:
        verifier().read(encode_text(message(payload={"secret": 1, 311: ["192.0.2.1"]})))
    assert str(caught.value) == "MALFORMED: catnip"
    assert caught.value.__cause__ is None

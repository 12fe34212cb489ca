"""Texts as octets, against vectors written out by hand from 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.challenge.delivery.gsm7 import decode_gsm7, encode_gsm7
from services.challenge.delivery.text_segments import DataCoding, message_reference, split_text, with_header


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("@£$", "000102"),
        ("Code 1", "436f64652031"),
        ("äöüß", "7b7c7e1e"),
        ("ÄÖÜ", "5b5c5e"),
        ("€", "1b65"),
        ("[]{}^~|\\", "1b3c1b3e1b281b291b141b3d1b401b2f"),
        ("ΔΦΓΛΩΠΨΣΘΞ", "10121314151617181 91a".replace(" ", "")),
        ("¿àñ_\n", "607f7d110a"),
    ],
)
def test_the_gsm_alphabet_is_the_standards(text: str, octets: str) -> None:
    septets = encode_gsm7(text)
    assert septets is not None
    assert b"".join(septets).hex() == octets
    assert decode_gsm7(bytes.fromhex(octets)) == text


@pytest.mark.parametrize("text", ["ç", "“", "字", "\u2068x\u2069", "\x1b", "`"])
def test_what_is_not_in_the_alphabet_goes_as_ucs2(text: str) -> None:
    assert encode_gsm7(text) is None
    assert split_text(text).data_coding is DataCoding.UCS2
    assert split_text(text).parts == (text.encode("utf-16-be"),)


def test_a_parts_header_holds_reference_total_and_number() -> None:
    assert with_header(b"x", reference=0xABCD, total=3, number=2).hex() == "060804abcd030278"


def test_a_repeat_has_the_same_reference() -> None:
    assert message_reference("c1") == message_reference("c1")
    assert 0 <= message_reference("c2") <= 0xFFFF


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_every_part_fits_a_message_and_stands_alone(text: str) -> None:
    segmented = split_text(text)
    single = 160 if segmented.data_coding is DataCoding.GSM7 else 140
    limit = single if len(segmented.parts) == 1 else single - 8
    assert all(len(part) <= limit for part in segmented.parts)
    if segmented.data_coding is DataCoding.GSM7:
        assert "".join(map(decode_gsm7, segmented.parts)) == text
    else:
        assert "".join(part.decode("utf-16-be") for part in segmented.parts) == text

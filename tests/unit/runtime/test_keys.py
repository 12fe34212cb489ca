"""Keys: what was sealed opens with the same data only; derivations and hashes do not collide."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.keys import (
    OpenError,
    SealingKeys,
    SigningKey,
    decode_key,
    derive_key,
    keyed_hash,
    new_secret,
    secret_digest,
)

OLD, NEW = b"o" * 32, b"n" * 32


@given(plaintext=st.binary(), data=st.binary())
def test_what_was_sealed_opens(plaintext: bytes, data: bytes) -> None:
    keys = SealingKeys([NEW])
    assert keys.open(keys.seal(plaintext, data), data) == plaintext


def test_sealing_twice_gives_different_bytes() -> None:
    keys = SealingKeys([NEW])
    assert keys.seal(b"x", b"") != keys.seal(b"x", b"")


def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals() -> None:
    before, during, after = SealingKeys([OLD]), SealingKeys([NEW, OLD]), SealingKeys([NEW])
    assert during.open(before.seal(b"x", b"a"), b"a") == b"x"
    assert after.open(during.seal(b"x", b"a"), b"a") == b"x"


def test_a_key_that_was_taken_away_opens_nothing() -> None:
    with pytest.raises(OpenError):
        SealingKeys([NEW]).open(SealingKeys([OLD]).seal(b"x", b"a"), b"a")


def test_other_associated_data_does_not_open() -> None:
    keys = SealingKeys([NEW])
    with pytest.raises(OpenError):
        keys.open(keys.seal(b"x", b"account 1"), b"account 2")


@given(data=st.data())
def test_one_altered_bit_does_not_open(data: st.DataObject) -> None:
    keys = SealingKeys([NEW])
    sealed = bytearray(keys.seal(b"passport", b"a"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(OpenError):
        keys.open(bytes(sealed), b"a")


@given(st.binary(max_size=64))
def test_any_other_bytes_do_not_open(junk: bytes) -> None:
    with pytest.raises(OpenError):
        SealingKeys([NEW]).open(junk, b"")


def test_keys_are_read_from_text() -> None:
    text = ",".join(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in (NEW, OLD))
    assert SealingKeys.from_text(text).open(SealingKeys([OLD]).seal(b"x", b""), b"") == b"x"


@pytest.mark.parametrize("text", ["", "short", "!" * 43, "a" * 44, "é"])
def test_a_malformed_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="a key") as refused:
        decode_key(text)
    assert not text or text not in str(refused.value)


def test_keys_are_not_shown() -> None:
    assert "nnnn" not in repr(SealingKeys([NEW]))
    assert repr(SigningKey.from_seed(NEW)).startswith("SigningKey(kid=")


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert derive_key(NEW, "passport") == derive_key(NEW, "passport")
    assert len({derive_key(NEW, "passport"), derive_key(NEW, "grant"), derive_key(OLD, "grant")}) == 3
    with pytest.raises(ValueError, match="32 bytes"):
        derive_key(b"short", "passport")


@given(first=st.lists(st.binary()), second=st.lists(st.binary()))
def test_different_lists_of_parts_hash_differently(first: list[bytes], second: list[bytes]) -> None:
    assert (keyed_hash(NEW, *first) == keyed_hash(NEW, *second)) == (first == second)


def test_a_signature_holds_for_its_message_only() -> None:
    key = SigningKey.generate()
    signature = key.sign(b"message")
    assert key.verify(signature, b"message")
    assert not key.verify(signature, b"another")
    assert not SigningKey.generate().verify(signature, b"message")


def test_the_kid_is_the_thumbprint_of_rfc_8037() -> None:
    seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    key = SigningKey.from_seed(decode_key(seed))
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert json.loads(json.dumps(key.public_jwk()))["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_secrets_differ_and_their_digest_is_sha256() -> None:
    secret = new_secret()
    assert len(secret) == 43
    assert secret != new_secret()
    assert secret_digest("x") == sha256(b"x").hexdigest()

"""Sessions' tokens: what is signed, what is exchanged, what a device's key signs, and what is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import SigningKey
from services.identity.access_tokens import AccessTokens
from services.identity.domain.device_key import KeyProof, check_device_key, key_thumbprint, proves, signed_message
from services.identity.domain.refresh_token import (
    RefreshToken,
    new_refresh_token,
    next_refresh_token,
    parse_refresh_token,
)
from services.identity.domain.session import (
    EndReason,
    IssuedTokens,
    Lifetimes,
    Session,
    SessionState,
    TokenLife,
    issue_tokens,
)

NOW = datetime(2030, 1, 1, microsecond=123_456, tzinfo=UTC)
LIFE = TokenLife(session_token=timedelta(minutes=15), refresh_token=timedelta(days=90))
KEY = SigningKey.from_seed(b"k" * 32)
OTHER = SigningKey.from_seed(b"o" * 32)


def a_session(**changes: Any) -> Session:
    """A session of a television."""
    fields: dict[str, Any] = {
        "session_id": uuid4(),
        "account_id": uuid4(),
        "device_id": "tv",
        "state": SessionState.LIVE,
        "create_time": NOW,
        "refresh_expire_time": NOW + LIFE.refresh_token,
    }
    return Session(**(fields | changes))


def issued(session: Session) -> IssuedTokens:
    """Its tokens."""
    return issue_tokens(session.account_id, now=NOW, life=LIFE)


def forged(session: Session, key: Any = KEY.private_key, algorithm: str = "EdDSA", **changes: Any) -> str:
    """A token like ours, but for what is changed: a claim, ``kid`` or ``typ``; None leaves it out."""
    good = AccessTokens([KEY]).encode(session, issued(session))
    claims = jwt.decode(good, options={"verify_signature": False})
    headers = {"kid": KEY.kid, "typ": "at+jwt"}
    for name, value in changes.items():
        place = headers if name in headers else claims
        place.pop(name) if value is None else place.update({name: value})
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_a_session_token_says_whose_it_is_and_until_when() -> None:
    session = a_session()
    tokens = AccessTokens([KEY])
    said = tokens.decode(tokens.encode(session, issued(session)))
    assert said is not None
    assert (said.account_id, said.session_id) == (session.account_id, session.session_id)
    assert said.expire_time == NOW.replace(microsecond=0) + LIFE.session_token


def test_anybody_with_the_published_keys_verifies_a_session_token() -> None:
    session = a_session(device_key=OTHER.public_bytes)
    tokens = AccessTokens([KEY, OTHER])
    key_set = jwt.PyJWKSet.from_json(tokens.jwks())
    text = tokens.encode(session, issued(session))
    kid = jwt.get_unverified_header(text)["kid"]
    claims = jwt.decode(
        text,
        key_set[kid],
        algorithms=["EdDSA"],
        audience="hearthgate",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sid"], claims["device"]) == (str(session.session_id), "tv")
    assert claims["cnf"] == {"jkt": OTHER.kid} == {"jkt": key_thumbprint(OTHER.public_bytes)}
    assert [each["kid"] for each in json.loads(tokens.jwks())["keys"]] == [KEY.kid, OTHER.kid]


def test_two_tokens_of_one_session_differ() -> None:
    session, tokens = a_session(), AccessTokens([KEY])
    assert tokens.encode(session, issued(session)) != tokens.encode(session, issued(session))


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER.private_key},
        {"kid": OTHER.kid},
        {"kid": None},
        {"typ": "JWT"},
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"aud": None},
        {"sub": None},
        {"sub": "x"},
        {"sid": None},
        {"sid": 7},
        {"exp": None},
        {"exp": 10**18},
        {"jti": None},
    ],
    ids=lambda changes: " ".join(f"{name}={type(value).__name__}" for name, value in changes.items()),
)
def test_a_token_that_is_not_ours_is_refused(changes: dict[str, Any]) -> None:
    assert AccessTokens([KEY]).decode(forged(a_session(), **changes)) is None


def test_no_other_algorithm_is_taken_whatever_the_header_says() -> None:
    session = a_session()
    none = forged(session, key=None, algorithm="none")
    # The old confusion: a public key taken for a shared secret.
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": KEY.kid, "typ": "at+jwt"}).encode())
    body = forged(session).split(".")[1]
    signing_input = header.rstrip(b"=").decode() + "." + body
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signing_input.encode(), KEY.public_bytes
    )
    confused = signing_input + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    for text in (none, confused):
        assert AccessTokens([KEY]).decode(text) is None


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), part=st.integers(0, 2))
def test_a_token_with_any_bit_turned_is_refused(place: int, bit: int, part: int) -> None:
    session = a_session(session_id=UUID(int=1), account_id=UUID(int=2))
    parts = AccessTokens([KEY]).encode(session, issued(session)).split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
    raw[place % len(raw)] ^= 1 << bit
    parts[part] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    assert AccessTokens([KEY]).decode(".".join(parts)) is None


@given(st.text(max_size=200))
def test_any_other_text_is_no_session_token(text: str) -> None:
    assert AccessTokens([KEY]).decode(text) is None
    assert AccessTokens([KEY]).decode(f"{text}.{text}.{text}") is None


def test_a_session_is_over_once_its_tokens_time_has_run_out() -> None:
    session, end = a_session(), NOW + LIFE.session_token
    assert session.as_of(end - timedelta(microseconds=1), token_expire_time=end) == session
    over = session.as_of(end, token_expire_time=end)
    assert (over.state, over.end_reason) == (SessionState.ENDED, EndReason.EXPIRED)
    signed_out = a_session(state=SessionState.ENDED, end_reason=EndReason.SIGNED_OUT)
    assert signed_out.as_of(end, token_expire_time=end) == signed_out


def test_tokens_of_a_device_without_a_key_live_shorter() -> None:
    short = TokenLife(session_token=timedelta(minutes=5), refresh_token=timedelta(days=30))
    lifetimes = Lifetimes(with_key=LIFE, without_key=short)
    assert lifetimes.of(None) == short
    assert lifetimes.of(KEY.public_bytes) == LIFE


@given(st.uuids())
def test_a_refresh_token_survives_its_text_form_and_hides_its_secret(account_id: UUID) -> None:
    token = new_refresh_token(account_id)
    assert parse_refresh_token(token.encode()) == token
    assert token.secret not in repr(token)


@given(st.text(max_size=100))
def test_other_texts_are_no_refresh_tokens(text: str) -> None:
    parsed = parse_refresh_token(text)
    assert parsed is None or isinstance(parsed, RefreshToken)


def test_one_refresh_token_follows_from_another_for_the_keys_holder_alone() -> None:
    token = new_refresh_token(uuid4())
    following = next_refresh_token(token, b"k" * 32)
    assert following == next_refresh_token(token, b"k" * 32)
    assert parse_refresh_token(following.encode()) == following
    others = {
        token.secret,
        next_refresh_token(token, b"o" * 32).secret,
        next_refresh_token(new_refresh_token(token.account_id), b"k" * 32).secret,
        next_refresh_token(following, b"k" * 32).secret,
    }
    assert following.secret not in others
    assert len(others) == 4


def test_a_device_proves_that_it_holds_its_key() -> None:
    nonce = b"n" * 16
    proof = KeyProof(nonce=nonce, signature=KEY.sign(signed_message("token", "tv", nonce)))
    assert proves(KEY.public_bytes, proof, refresh_token="token", device_id="tv")
    assert not proves(OTHER.public_bytes, proof, refresh_token="token", device_id="tv")
    assert not proves(KEY.public_bytes, proof, refresh_token="token2", device_id="tv")
    assert not proves(KEY.public_bytes, proof, refresh_token="token", device_id="tv2")
    other_nonce = KeyProof(nonce=b"m" * 16, signature=proof.signature)
    assert not proves(KEY.public_bytes, other_nonce, refresh_token="token", device_id="tv")
    assert not proves(KEY.public_bytes, None, refresh_token="token", device_id="tv")


@given(token=st.text(max_size=20), device=st.text(max_size=20), other=st.tuples(st.text(), st.text()))
def test_no_two_exchanges_have_the_same_bytes_to_sign(token: str, device: str, other: tuple[str, str]) -> None:
    one, two = signed_message(token, device, b"n" * 16), signed_message(*other, b"n" * 16)
    assert (one == two) is ((token, device) == other)


_P = 2**255 - 19
_TORSION_Y = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


@pytest.mark.parametrize(
    "public_key",
    [
        b"x" * 31,
        b"\0" * 32,
        (1).to_bytes(32, "little"),
        (1 | 1 << 255).to_bytes(32, "little"),
        (_P - 1).to_bytes(32, "little"),
        _P.to_bytes(32, "little"),
        bytes.fromhex(_TORSION_Y),
        (_P - int.from_bytes(bytes.fromhex(_TORSION_Y), "little")).to_bytes(32, "little"),
    ],
    ids=lambda key: key.hex()[:8],
)
def test_a_key_that_is_none_or_proves_nothing_is_refused(public_key: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        check_device_key(public_key)
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert [each.field for each in caught.value.fields] == ["device_public_key"]


def test_under_a_refused_key_one_signature_would_hold_for_any_message() -> None:
    """Why they are refused: with the neutral element as key and as R, and S = 0, every message is signed."""
    neutral = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + b"\0" * 32, b"any message at all")


def test_a_good_key_and_no_key_are_taken() -> None:
    assert check_device_key(KEY.public_bytes) == KEY.public_bytes
    assert check_device_key(b"") is None

"""Keys, claims and a request for the tests of Common Access Tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.common_access_token.claims import Claims
from libs.common_access_token.encoding import encode_text
from libs.common_access_token.errors import CatError, Reason
from libs.common_access_token.keys import MintingKey, eddsa_key, es256_key, hmac_key
from libs.common_access_token.tokens import Policy, Request, Verifier
from libs.common_access_token.uris import MatchType, UriComponent, UriRule

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HMAC = hmac_key(b"cdn-1", b"s" * 32)
EDDSA = eddsa_key(b"cdn-2", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
ES256 = es256_key(b"cdn-3", ec.derive_private_key(7**80, ec.SECP256R1()))
KEYS = (HMAC, EDDSA, ES256)
POLICY = Policy(issuers=frozenset({"hearthgate"}), audience="cdn.example")
REQUEST = Request(
    uri="https://media.example/titles/42/video.m3u8",
    method="GET",
    address=ip_address("192.0.2.7"),
    autonomous_system=64500,
    country="US",
    subdivision="US-NY",
)


def claims(**changes: Any) -> Claims:
    """A grant for five minutes; what is changed stands beside."""
    fields: dict[str, Any] = {
        "issuer": "hearthgate",
        "subject": "account-1",
        "audience": ("cdn.example",),
        "expire_time": NOW + timedelta(minutes=5),
        "not_before": NOW,
        "issue_time": NOW,
        "token_id": b"decision-1",
        "networks": (ip_network("192.0.2.0/24"), ip_network("2001:db8::/56"), 64500),
        "uri": (UriRule(component=UriComponent.PATH, match=MatchType.PREFIX, value="/titles/42/"),),
        "methods": ("GET", "HEAD"),
        "countries": ("CA", "US-NY"),
    }
    return Claims(**(fields | changes))


def verifier(**changes: Any) -> Verifier:
    """It knows every key."""
    arguments: dict[str, Any] = {"keys": [key.verification for key in KEYS], "policy": POLICY}
    return Verifier(**(arguments | changes))


def message(
    *,
    key: MintingKey = HMAC,
    protected: object = None,
    unprotected: object = None,
    payload: object = None,
    structure: int = 17,
    context: str = "MAC0",
) -> bytes:
    """A COSE message that is as wrong as it is asked for, with a good signature."""
    header = cbor2.dumps({1: int(key.verification.algorithm)} if protected is None else protected)
    body = payload if isinstance(payload, bytes) else cbor2.dumps({1: "hearthgate"} if payload is None else payload)
    proof = key.sign(cbor2.dumps([context, header, b"", body]))
    headers = {4: key.verification.kid} if unprotected is None else unprotected
    return cbor2.dumps(cbor2.CBORTag(61, cbor2.CBORTag(structure, [header, headers, body, proof])))


def reason_of(data: bytes | str) -> Reason:
    """Why it is not read."""
    text = data if isinstance(data, str) else encode_text(data)
    with pytest.raises(CatError) as caught:
        verifier().read(text)
    return caught.value.reason


def read_with(key: MintingKey, data: bytes) -> Claims:
    """What a verifier with this key alone reads."""
    return Verifier([key.verification], policy=POLICY).read(encode_text(data))

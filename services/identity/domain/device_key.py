"""Device keys (Ed25519): a device that holds one signs each exchange of its refresh token.

What is signed is bound to the refresh token, so a signature is good for one token only; its nonce tells a device that
asks again, and signs again, from somebody who repeats what was sent.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from libs.runtime.errors import invalid_field

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 16
_CONTEXT: Final = b"hearthgate session refresh v1"
_P: Final = 2**255 - 19
_ORDER_8: Final = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
_SMALL_ORDER: Final = frozenset(
    y.to_bytes(KEY_BYTES, "little") for y in (0, 1, _ORDER_8, _P - _ORDER_8, _P - 1, _P, _P + 1)
)
"""The points whose order divides 8, encoded, sign bit cleared: solutions of the doubling formulas of RFC 8032, section
5.1.4, and the two of them that can also be written unreduced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyProof:
    """A device's signature over one exchange; the nonce was never signed before."""

    nonce: bytes
    signature: bytes = field(repr=False)


def signed_message(refresh_token: str, device_id: str, nonce: bytes) -> bytes:
    """What a device signs: a context, SHA-256 of the token's text, the nonce, and its own id, in this order.

    All but the last have fixed lengths, so no two exchanges have the same bytes.
    """
    return b"\0".join((_CONTEXT, sha256(refresh_token.encode()).digest() + nonce + device_id.encode()))


def proves(device_key: bytes, proof: KeyProof | None, *, refresh_token: str, device_id: str) -> bool:
    """Whether the holder of the key signed the exchange of this token. False without a proof."""
    if proof is None or len(proof.nonce) != NONCE_BYTES:
        return False
    message = signed_message(refresh_token, device_id, proof.nonce)
    try:
        Ed25519PublicKey.from_public_bytes(device_key).verify(proof.signature, message)
    except InvalidSignature:
        return False
    return True


def check_device_key(public_key: bytes) -> bytes | None:
    """The key; None where a device has none. Raises INVALID_FIELD on ``device_public_key``.

    Points of small order are refused: under them one signature holds for many messages.
    """
    if not public_key:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise invalid_field("device_public_key", f"must be an Ed25519 public key of {KEY_BYTES} bytes") from None
    if public_key[:-1] + bytes([public_key[-1] & 0x7F]) in _SMALL_ORDER:
        raise invalid_field("device_public_key", "must be an Ed25519 public key that was made at random")
    return public_key


def key_thumbprint(public_key: bytes) -> str:
    """The key's JWK thumbprint (RFC 7638), as ``cnf.jkt`` of a token names it (RFC 9449)."""
    x = base64.urlsafe_b64encode(public_key).rstrip(b"=").decode()
    digest = sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

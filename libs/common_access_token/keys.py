"""Keys of tokens: each has one algorithm, and a token under it has no other.

Numbers: IANA's registry of COSE algorithms (RFC 9053). RFC 9864 has newer numbers for the same signatures (-9, -19);
verifiers of Common Access Tokens know those here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

HMAC_KEY_BYTES: Final = 32
_COORDINATE_BYTES: Final = 32


class Algorithm(IntEnum):
    """COSE's number of an algorithm."""

    ES256 = -7
    EDDSA = -8
    HMAC_256_256 = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationKey:
    """What verifies; ``verify`` takes signature or tag, then the message, and says whether they belong together."""

    kid: bytes
    algorithm: Algorithm
    verify: Callable[[bytes, bytes], bool] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MintingKey:
    """What signs; ``sign`` takes the message and gives signature or tag, the same each time."""

    verification: VerificationKey
    sign: Callable[[bytes], bytes] = field(repr=False)


def es256_public_key(kid: bytes, key: ec.EllipticCurvePublicKey) -> VerificationKey:
    """Verifies ECDSA with SHA-256 on P-256. Raises ValueError for another curve."""
    _check_curve(key.curve)

    def verify(signature: bytes, message: bytes) -> bool:
        if len(signature) != 2 * _COORDINATE_BYTES:
            return False
        r, s = (int.from_bytes(part, "big") for part in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
        return _verified(lambda: key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256())))

    return VerificationKey(kid=kid, algorithm=Algorithm.ES256, verify=verify)


def es256_key(kid: bytes, key: ec.EllipticCurvePrivateKey) -> MintingKey:
    """Signs with ECDSA on P-256, deterministically (RFC 6979). Raises ValueError for another curve."""

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    return MintingKey(verification=es256_public_key(kid, key.public_key()), sign=sign)


def eddsa_public_key(kid: bytes, key: Ed25519PublicKey) -> VerificationKey:
    """Verifies Ed25519."""

    def verify(signature: bytes, message: bytes) -> bool:
        return _verified(lambda: key.verify(signature, message))

    return VerificationKey(kid=kid, algorithm=Algorithm.EDDSA, verify=verify)


def eddsa_key(kid: bytes, key: Ed25519PrivateKey) -> MintingKey:
    """Signs with Ed25519."""
    return MintingKey(verification=eddsa_public_key(kid, key.public_key()), sign=key.sign)


def hmac_key(kid: bytes, secret: bytes) -> MintingKey:
    """HMAC 256/256: who verifies can mint as well. Raises ValueError for a secret of fewer than 32 bytes."""
    if len(secret) < HMAC_KEY_BYTES:
        raise ValueError(f"a secret has at least {HMAC_KEY_BYTES} bytes")

    def sign(message: bytes) -> bytes:
        mac = HMAC(secret, SHA256())
        mac.update(message)
        return mac.finalize()

    def verify(tag: bytes, message: bytes) -> bool:
        mac = HMAC(secret, SHA256())
        mac.update(message)
        return _verified(lambda: mac.verify(tag))

    verification = VerificationKey(kid=kid, algorithm=Algorithm.HMAC_256_256, verify=verify)
    return MintingKey(verification=verification, sign=sign)


def _check_curve(curve: ec.EllipticCurve) -> None:
    if not isinstance(curve, ec.SECP256R1):
        raise ValueError("ES256 takes a key on P-256")


def _verified(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True

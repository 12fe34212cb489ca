"""Keys and what is done with them: derivation, keyed hashes, sealing, signatures, shared secrets."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class OpenError(Exception):
    """A sealed value was not opened: unknown key, other associated data, or altered bytes."""


def derive_key(master: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose out of a master key (HKDF-SHA256). Raises ValueError for a short master."""
    if len(master) < KEY_BYTES:
        raise ValueError(f"a master key has at least {KEY_BYTES} bytes")
    info = b"hearthgate/" + purpose.encode()
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)


def keyed_hash(key: bytes, *parts: bytes | str) -> bytes:
    """HMAC-SHA256 (32 bytes) of the parts, each with its length before it, so that no two lists collide."""
    mac = hmac.new(key, digestmod=sha256)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return mac.digest()


def new_secret() -> str:
    """32 random bytes as 43 characters of base64url."""
    return secrets.token_urlsafe(KEY_BYTES)


def secret_digest(secret: str) -> str:
    """SHA-256 of a random secret, in hex. For secrets of full entropy only, never for passwords."""
    return sha256(secret.encode()).hexdigest()


def decode_key(text: str) -> bytes:
    """A 32-byte key from base64url, padded or not. Raises ValueError, without the text, for anything else."""
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("a key is written in base64url") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    return key


class SealingKeys:
    """AES-256-GCM under several keys: the first one seals, every one opens, so that keys can be rotated.

    The output is version (1 byte), key id (4), nonce (12), ciphertext with tag (16 more than the plaintext).
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"sealing takes one or more keys of {KEY_BYTES} bytes")
        # Reversed, so that of two keys with the same id the earlier one stays.
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self._current = _key_id(keys[0])

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Keys written in base64url, separated by commas, the current one first. Raises ValueError."""
        return cls([decode_key(part.strip()) for part in text.split(",")])

    @staticmethod
    def id_of(key: bytes) -> bytes:
        """The id that what a key sealed carries, in its bytes 1 to 4."""
        return _key_id(key)

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt; what stands in ``associated_data`` is authenticated and must be given again to open."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plaintext, associated_data)
        return _VERSION + self._current + nonce + sealed

    def open(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Decrypt what any of the keys sealed. Raises OpenError, which says nothing about the content."""
        cipher = self._ciphers.get(sealed[1 : 1 + _KEY_ID_BYTES])
        if sealed[:1] != _VERSION or cipher is None:
            raise OpenError("unknown key or form")
        nonce = sealed[_HEADER_BYTES - _NONCE_BYTES : _HEADER_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES:], associated_data)
        except (InvalidTag, ValueError):
            raise OpenError("not authentic") from None

    def __repr__(self) -> str:
        return f"SealingKeys(current={self._current.hex()}, count={len(self._ciphers)})"


class SigningKey:
    """An Ed25519 key pair whose ``kid`` is the JWK thumbprint (RFC 7638) of its public half."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key: Final = private_key
        self.public_bytes: Final = private_key.public_key().public_bytes_raw()
        self.kid: Final = _thumbprint(self.public_bytes)

    @classmethod
    def generate(cls) -> Self:
        """A new random key pair."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key pair of a 32-byte seed. Raises ValueError for another length."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """The signature (64 bytes)."""
        return self.private_key.sign(message)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this key pair signed the message."""
        try:
            self.private_key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _base64url(self.public_bytes),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
        }

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid})"


def _key_id(key: bytes) -> bytes:
    return keyed_hash(key, "key id")[:_KEY_ID_BYTES]


def _thumbprint(public_bytes: bytes) -> str:
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public_bytes)}"}}'
    return _base64url(sha256(members.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

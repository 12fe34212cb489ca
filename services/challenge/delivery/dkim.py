"""DKIM signatures (RFC 6376, RFC 8463)."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from dataclasses import dataclass, field
from typing import Final, Protocol

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

_MIN_RSA_BITS: Final = 1024
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SELECTOR: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")

# From is named once more than it occurs, so that no second one can be added (RFC 6376, 8.15); the last two, which RFC
# 8058 wants signed, cannot be added to an email without them.
_SIGNED_HEADERS: Final = (
    b"from",
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"auto-submitted",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)

# At DEBUG the library logs headers, and with them the address.
_SILENT: Final = logging.Logger("dkim", logging.CRITICAL + 1)


class EmailSigner(Protocol):
    """Puts a signature before an email."""

    async def sign(self, content: bytes) -> bytes:
        """The email with its signature."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimKey:
    """A private key in the form that the library takes; the repr hides it."""

    algorithm: bytes
    material: bytes = field(repr=False)

    @classmethod
    def from_pem(cls, pem: str) -> DkimKey:
        r"""Read an RSA or Ed25519 key in PEM, in which ``\n`` may stand for a line's end. Raises ``ValueError``."""
        try:
            key = load_pem_private_key(pem.replace("\\n", "\n").strip().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The library's own text may say what the key looks like.
            raise ValueError("must be a private key in PEM, without a password") from None
        if isinstance(key, Ed25519PrivateKey):
            return cls(algorithm=b"ed25519-sha256", material=base64.b64encode(key.private_bytes_raw()))
        if isinstance(key, RSAPrivateKey) and key.key_size >= _MIN_RSA_BITS:
            form = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            return cls(algorithm=b"rsa-sha256", material=key.private_bytes(*form))
        raise ValueError(f"must be an Ed25519 key, or an RSA key of at least {_MIN_RSA_BITS} bits")


def is_selector(selector: str) -> bool:
    """Whether a selector can stand in a DNS name."""
    return _SELECTOR.fullmatch(selector) is not None


class DkimSigner:
    """An ``EmailSigner`` for one domain; it signs in a thread, since RSA takes milliseconds."""

    def __init__(self, key: DkimKey, *, domain: str, selector: str) -> None:
        self._key = key
        self._domain = domain.encode("idna")
        self._selector = selector.encode("ascii")

    async def sign(self, content: bytes) -> bytes:
        """See ``EmailSigner.sign``."""
        return await asyncio.to_thread(self._sign, content)

    def _sign(self, content: bytes) -> bytes:
        message = dkim.DKIM(content, logger=_SILENT, signature_algorithm=self._key.algorithm)
        signature: bytes = message.sign(
            self._selector,
            self._domain,
            self._key.material,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_SIGNED_HEADERS),
        )
        return signature + content

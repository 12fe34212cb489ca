"""DKIM signatures (RFC 6376), so that a receiver can tell that a mail is ours and unaltered."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

_LEAST_BITS: Final = 2048
# From twice: a second one, put in on the way, would break the signature (RFC 6376, 8.15). The two of RFC 8058 have to
# be signed, or no mail program shows the one click.
_SIGNED: Final = [
    b"from",
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"auto-submitted",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
]

# At DEBUG the library logs the headers that it signs, and with them an address.
_SILENT: Final = logging.Logger("dkim", logging.CRITICAL + 1)


class DkimSigner:
    """Signs with rsa-sha256, which every receiver verifies; Ed25519 (RFC 8463) is still ignored by large ones."""

    def __init__(self, private_key_pem: str, *, selector: str, domain: str) -> None:
        """``selector`` names the DNS record of the public key. Raises ValueError, without the key, for a bad one."""
        self._key = _rsa_key(private_key_pem)
        self._selector = selector.encode("ascii")
        self._domain = domain.encode("ascii")

    async def sign(self, content: bytes) -> bytes:
        """The mail with its signature before it. In a thread: the library computes for some milliseconds."""
        return await asyncio.to_thread(self._sign, content)

    def _sign(self, content: bytes) -> bytes:
        signature: bytes = dkim.sign(
            content,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=_SIGNED,
            logger=_SILENT,
        )
        return signature + content


def _rsa_key(pem: str) -> bytes:
    """The key as PKCS #1, whichever form it came in; an environment variable may hold its line ends as ``\\n``."""
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM, without a passphrase") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise ValueError(f"must be an RSA key of at least {_LEAST_BITS} bits")
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

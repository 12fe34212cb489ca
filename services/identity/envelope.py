"""The envelope's inside: values sealed under an account's own data key (AES-256-GCM).

The output is form (1 byte, 2), nonce (12), ciphertext with tag. The form tells it from what stands directly under a
contact key (``libs.runtime.keys.SealingKeys``, 1). Which key opens it is known from the account, so none is named.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.runtime.keys import KEY_BYTES, OpenError

_FORM: Final = b"\x02"
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = len(_FORM) + _NONCE_BYTES


def new_data_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def is_enveloped(sealed: bytes) -> bool:
    """Whether a value is sealed under a data key, rather than directly under a contact key."""
    return sealed[:1] == _FORM


def seal_inside(data_key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """Encrypt; ``associated_data`` is authenticated and must be given again to open."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORM + nonce + AESGCM(data_key).encrypt(nonce, plaintext, associated_data)


def open_inside(data_key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    """Decrypt. Raises OpenError, which says nothing about the content."""
    if not is_enveloped(sealed):
        raise OpenError("unknown form")
    try:
        return AESGCM(data_key).decrypt(sealed[len(_FORM) : _HEADER_BYTES], sealed[_HEADER_BYTES:], associated_data)
    except (InvalidTag, ValueError):
        raise OpenError("not authentic") from None

"""Refresh tokens: exchanged once for new tokens. Built as session tokens are, under a prefix of their own."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import UUID

from libs.runtime.keys import keyed_hash, new_secret

_FORM: Final = re.compile(r"hgr1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshToken:
    """A token of the form ``hgr1.<account id in hex>.<secret>``; it names the account so that it is found by it."""

    account_id: UUID
    secret: str = field(repr=False)

    def encode(self) -> str:
        """The text that the device keeps. Never log it."""
        return f"hgr1.{self.account_id.hex}.{self.secret}"

    def digest(self) -> bytes:
        """SHA-256 of the secret (32 bytes): what the database keeps."""
        return sha256(self.secret.encode()).digest()


def new_refresh_token(account_id: UUID) -> RefreshToken:
    """A token with a fresh random secret of 32 bytes."""
    return RefreshToken(account_id=account_id, secret=new_secret())


def next_refresh_token(token: RefreshToken, key: bytes) -> RefreshToken:
    """The token that is given for this one: always the same, and known to nobody without the key.

    So a device that asks again because the answer was lost gets what it was to get, whichever request came first.
    """
    secret = base64.urlsafe_b64encode(keyed_hash(key, token.account_id.bytes, token.secret)).rstrip(b"=").decode()
    return RefreshToken(account_id=token.account_id, secret=secret)


def parse_refresh_token(text: str) -> RefreshToken | None:
    """The token that a text holds, or None where it has not the form of one."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return RefreshToken(account_id=UUID(hex=match[1]), secret=match[2])

"""Session tokens: what a signed-in device shows. Only the secret's digest is ever stored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import UUID

from libs.runtime.keys import new_secret

_FORM: Final = re.compile(r"hgs1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionToken:
    """A token of the form ``hgs1.<account id in hex>.<secret>``.

    It names its account, so that the session is looked up by account first. The secret is 32 random bytes in
    base64url and stays out of ``repr``.
    """

    account_id: UUID
    secret: str = field(repr=False)

    def encode(self) -> str:
        """The text that the device keeps. Never log it."""
        return f"hgs1.{self.account_id.hex}.{self.secret}"

    def digest(self) -> bytes:
        """SHA-256 of the secret (32 bytes): what the database keeps."""
        return sha256(self.secret.encode()).digest()


def new_session_token(account_id: UUID) -> SessionToken:
    """A token with a fresh random secret."""
    return SessionToken(account_id=account_id, secret=new_secret())


def parse_session_token(text: str) -> SessionToken | None:
    """The token that a text holds, or None where it has not the form of one."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return SessionToken(account_id=UUID(hex=match[1]), secret=match[2])

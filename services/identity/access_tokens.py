"""Session tokens as signed JWTs (RFC 7519, claims after RFC 9068): whoever holds the JWKS may verify one by itself.

One algorithm, EdDSA over Ed25519, is accepted, whatever a token's header says. The first key signs and every one
verifies, so keys are rotated by adding the next one second everywhere, then putting it first everywhere, and dropping
the old one once the tokens that it signed have run out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import jwt

from libs.runtime.keys import SigningKey, new_secret
from services.identity.domain.device_key import key_thumbprint
from services.identity.domain.session import IssuedTokens, Session

ISSUER: Final = "hearthgate"
AUDIENCE: Final = "hearthgate"
ALGORITHM: Final = "EdDSA"
TOKEN_TYPE: Final = "at+jwt"
_REQUIRED: Final = ("iss", "aud", "sub", "sid", "device", "iat", "exp", "jti")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """What a token with a good signature says; whether its session still stands is the database's to say."""

    account_id: UUID
    session_id: UUID
    expire_time: datetime


class AccessTokens:
    """Signs session tokens with the first key, and takes those that any of the keys signed."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("session tokens need a key")
        self._keys = {key.kid: key for key in reversed(keys)}
        self._current = keys[0]

    def encode(self, session: Session, tokens: IssuedTokens) -> str:
        """The text that the device shows. Never log it."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(session.account_id),
            "sid": str(session.session_id),
            "device": session.device_id,
            "iat": int(tokens.issue_time.timestamp()),
            "exp": int(tokens.session_expire_time.timestamp()),
            "jti": new_secret(),
        }
        if session.device_key is not None:
            claims["cnf"] = {"jkt": key_thumbprint(session.device_key)}
        headers = {"kid": self._current.kid, "typ": TOKEN_TYPE}
        return jwt.encode(claims, self._current.private_key, algorithm=ALGORITHM, headers=headers)

    def decode(self, text: str) -> AccessToken | None:
        """What the token says; None for one that none of the keys signed, or that is no session token.

        Its time is not looked at here: the database's clock decides that.
        """
        try:
            return self._decode(text)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
            return None

    def _decode(self, text: str) -> AccessToken | None:
        header = jwt.get_unverified_header(text)
        key = self._keys.get(str(header.get("kid")))
        if key is None or header.get("typ") != TOKEN_TYPE:
            return None
        claims = jwt.decode(
            text,
            key.private_key.public_key(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False},
        )
        return AccessToken(
            account_id=UUID(claims["sub"]),
            session_id=UUID(str(claims["sid"])),
            expire_time=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def jwks(self) -> str:
        """The public keys as a JSON Web Key Set (RFC 7517), the signing one first."""
        keys = [self._current, *(key for key in self._keys.values() if key is not self._current)]
        return json.dumps({"keys": [key.public_jwk() for key in keys]}, separators=(",", ":"))

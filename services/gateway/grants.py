"""Grants: short-lived JWTs (EdDSA) that a CDN or a licence server verifies by itself.

Ed25519 signatures are deterministic, so the same claims under the same key give the same grant: a repeated request is
answered with the very grant it had, without the grant being stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import jwt

from libs.runtime.keys import SigningKey

ISSUER: Final = "hearthgate"
ALGORITHM: Final = "EdDSA"


class Grants:
    """Signs with the first key; publishes the public halves of all, so that keys can be rotated."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("grants need a key")
        self._keys = tuple(keys)

    def sign(self, claims: dict[str, str | int]) -> str:
        """The grant for these claims."""
        key = self._keys[0]
        # Sorted: claims that were kept as jsonb come back in another order, and the bytes must be the same.
        return jwt.encode(dict(sorted(claims.items())), key.private_key, algorithm=ALGORITHM, headers={"kid": key.kid})

    def jwks(self) -> str:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return json.dumps({"keys": [key.public_jwk() for key in self._keys]}, separators=(",", ":"))


def grant_claims(
    *,
    decision_id: UUID,
    account_id: UUID,
    stream_id: UUID,
    device_id: str,
    title_id: str,
    fencing_token: int,
    quality: str,
    now: datetime,
    expire_time: datetime,
) -> dict[str, str | int]:
    """What a grant says: this device may fetch this title for this stream, up to this quality, until the lease ends
    (RFC 7519 names)."""
    return {
        "iss": ISSUER,
        "jti": str(decision_id),
        "sub": str(account_id),
        "sid": str(stream_id),
        "device": device_id,
        "title": title_id,
        "fence": fencing_token,
        "quality": quality,
        "iat": int(now.timestamp()),
        "exp": int(expire_time.timestamp()),
    }

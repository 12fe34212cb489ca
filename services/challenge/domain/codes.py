"""Codes: where they come from, and the only forms in which they are kept."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from typing import Final, Protocol
from uuid import UUID

from libs.runtime.keys import OpenError, SealingKeys, derive_key, keyed_hash

_UNSUBSCRIBE: Final = b"unsubscribe"
_HASH_BYTES: Final = 32


class Randomness(Protocol):
    """What codes and match numbers are drawn from."""

    def digits(self, count: int) -> str:
        """``count`` decimal digits, each string equally likely."""
        ...


class SecretRandomness:
    """The operating system's generator."""

    def digits(self, count: int) -> str:
        """See ``Randomness.digits``."""
        return f"{secrets.randbelow(10**count):0{count}d}"


class CodeKeys:
    """What hashes and seals codes and destinations. Its keys are derived from the pepper, one for each use."""

    def __init__(self, pepper: bytes, sealing: SealingKeys) -> None:
        self._code: Final = derive_key(pepper, "challenge/code")
        self._destination: Final = derive_key(pepper, "challenge/destination")
        self._body: Final = derive_key(pepper, "challenge/request-body")
        self._bucket: Final = derive_key(pepper, "challenge/bucket")
        self._reference: Final = derive_key(pepper, "challenge/provider-reference")
        self._sealing: Final = sealing

    def code_hash(self, challenge_id: UUID, code: str) -> bytes:
        """What is kept to compare an entered code with."""
        return keyed_hash(self._code, challenge_id.bytes, code)

    def destination_hash(self, canonical_destination: str) -> bytes:
        """What sends to a destination are counted under, and what tells where a code went."""
        return keyed_hash(self._destination, canonical_destination)

    def contact_hashes(self, destinations: Iterable[str]) -> frozenset[bytes]:
        """The hashes of contacts as an account has them: letter case does not make another one."""
        return frozenset(self.destination_hash(each.casefold()) for each in destinations)

    def bucket_hash(self, kind: str, key: str) -> bytes:
        """What a limit of that kind is counted under."""
        return keyed_hash(self._bucket, kind, key)

    def reference_hash(self, provider: str, reference: str) -> bytes:
        """What a provider's id for a message is found by."""
        return keyed_hash(self._reference, provider, reference)

    def body_digest(self, rpc: str, body: bytes) -> bytes:
        """What tells a repeated request from another one under the same id."""
        return keyed_hash(self._body, rpc, body)

    def seal_code(self, account_id: UUID, challenge_id: UUID, code: str) -> bytes:
        """The code for the deliveries to come; opens for the same challenge only."""
        return self._sealing.seal(code.encode(), _bound("code", account_id, challenge_id))

    def open_code(self, account_id: UUID, challenge_id: UUID, sealed: bytes) -> str:
        """Raises OpenError."""
        return self._sealing.open(sealed, _bound("code", account_id, challenge_id)).decode()

    def seal_invitation(self, account_id: UUID, delivery_id: UUID, token: str) -> bytes:
        """What an invitation's link opens, for one delivery; opens for the same delivery only."""
        return self._sealing.seal(token.encode(), _bound("invitation", account_id, delivery_id))

    def open_invitation(self, account_id: UUID, delivery_id: UUID, sealed: bytes) -> str:
        """Raises OpenError."""
        return self._sealing.open(sealed, _bound("invitation", account_id, delivery_id)).decode()

    def seal_destination(self, account_id: UUID, delivery_id: UUID, address: str) -> bytes:
        """The address for one delivery; opens for the same delivery only."""
        return self._sealing.seal(address.encode(), _bound("destination", account_id, delivery_id))

    def open_destination(self, account_id: UUID, delivery_id: UUID, sealed: bytes) -> str:
        """Raises OpenError."""
        return self._sealing.open(sealed, _bound("destination", account_id, delivery_id)).decode()

    def seal_disown_token(self, account_id: UUID, delivery_id: UUID, token: str) -> str:
        """What a notice's "it wasn't me" link carries, for one delivery, in base64; opens for the same one only."""
        sealed = self._sealing.seal(token.encode(), _bound("disown", account_id, delivery_id))
        return base64.b64encode(sealed).decode()

    def open_disown_token(self, account_id: UUID, delivery_id: UUID, sealed: str) -> str:
        """Raises OpenError."""
        return self._sealing.open(base64.b64decode(sealed), _bound("disown", account_id, delivery_id)).decode()

    def unsubscribe_token(self, kind: str, destination_hash: bytes) -> str:
        """What a link in a notice carries: which kind, and under which hash its address is known."""
        sealed = self._sealing.seal(destination_hash + kind.encode(), _UNSUBSCRIBE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open_unsubscribe_token(self, token: str) -> tuple[str, bytes]:
        """Kind and destination hash. Raises OpenError for a token that is none of ours."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise OpenError from None
        opened = self._sealing.open(sealed, _UNSUBSCRIBE)
        return opened[_HASH_BYTES:].decode(), opened[:_HASH_BYTES]


def _bound(what: str, account_id: UUID, other_id: UUID) -> bytes:
    return what.encode() + b"/" + account_id.bytes + other_id.bytes

"""The audit log's keys: one makes the hashes of events, one signs anchors. Both are derived from a master.

Who can write to the database alone cannot forge an event; who cannot read the masters cannot forge an anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from libs.runtime.keys import SigningKey, decode_key, derive_key, keyed_hash
from services.identity.domain.audit import AuditEvent
from services.identity.domain.audit_anchor import Anchor

_KEY_ID_BYTES = 4


class AuditKeys:
    """Keys by their ids. The first master seals and signs; every one verifies."""

    def __init__(self, masters: Sequence[bytes]) -> None:
        chain = [derive_key(master, "identity/audit-chain") for master in masters]
        signing = [SigningKey.from_seed(derive_key(master, "identity/audit-anchor")) for master in masters]
        self._chain = {_key_id(key): key for key in chain}
        self._current_id = _key_id(chain[0])
        self._signing = {key.kid: key for key in signing}
        self._signer = signing[0]

    @classmethod
    def from_texts(cls, *texts: str) -> Self:
        """Keys of several settings, those of the first one first; each as contact keys are written, or empty.

        Raises ValueError, without the text.
        """
        parts = [part for text in texts if text for part in text.split(",")]
        if not parts:
            raise ValueError("there is no key")
        return cls([decode_key(part.strip().rpartition(":")[2]) for part in parts])

    def seal(self, event: AuditEvent) -> AuditEvent:
        """The event with its key's id and its hash."""
        named = replace(event, key_id=self._current_id)
        return replace(named, hash=keyed_hash(self._chain[self._current_id], *named.parts()))

    def authentic(self, event: AuditEvent) -> bool | None:
        """Whether the event is what was sealed; None where its key is not among these."""
        key = self._chain.get(event.key_id)
        return None if key is None else keyed_hash(key, *event.parts()) == event.hash

    def sign(self, anchor: Anchor) -> Anchor:
        """The anchor with its key's id and its signature (Ed25519)."""
        named = replace(anchor, key_id=self._signer.kid)
        return replace(named, signature=self._signer.sign(named.statement()))

    def signed(self, anchor: Anchor) -> bool:
        """Whether one of these keys signed the anchor."""
        key = self._signing.get(anchor.key_id)
        return key is not None and key.verify(anchor.signature, anchor.statement())

    def public_jwks(self) -> list[dict[str, str]]:
        """The public halves of the signing keys, for those who verify anchors without a secret."""
        return [key.public_jwk() for key in self._signing.values()]


def _key_id(key: bytes) -> bytes:
    return keyed_hash(key, "key id")[:_KEY_ID_BYTES]

"""What is done with the contact keys: sealing destinations, finding addresses, fingerprints of requests.

To rotate: put the new key second in the list everywhere, then first; addresses are entered and looked up under every
key of the list, so replicas that are at different steps agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self
from uuid import UUID

from libs.runtime.keys import SealingKeys, decode_key, derive_key, keyed_hash
from services.identity.domain.contact import Channel, email_key


class ContactKeys:
    """Keys derived from the masters, a purpose each. The first master seals; every one opens and finds."""

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._sealing = SealingKeys([derive_key(master, "identity/contact-sealing") for master in masters])
        self._lookup = [derive_key(master, "identity/email-lookup") for master in masters]
        self._fingerprint = [derive_key(master, "identity/request-fingerprint") for master in masters]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Keys written as :func:`decode_keys` reads them."""
        return cls(decode_keys(text))

    def seal(self, destination: str, *, account_id: UUID, channel: Channel, contact_id: UUID | None = None) -> bytes:
        """The destination encrypted, to be opened only for the same account, channel and, where given, contact."""
        return self._sealing.seal(destination.encode(), _bound_to(account_id, channel, contact_id))

    def open(self, sealed: bytes, *, account_id: UUID, channel: Channel, contact_id: UUID | None = None) -> str:
        """The destination. Raises OpenError."""
        return self._sealing.open(sealed, _bound_to(account_id, channel, contact_id)).decode()

    def seal_invited(self, email: str, *, account_id: UUID, member_id: UUID) -> bytes:
        """An invited address encrypted, to be opened only for the same host and place."""
        return self._sealing.seal(email.encode(), account_id.bytes + member_id.bytes)

    def open_invited(self, sealed: bytes, *, account_id: UUID, member_id: UUID) -> str:
        """An invited address. Raises OpenError."""
        return self._sealing.open(sealed, account_id.bytes + member_id.bytes).decode()

    def email_hashes(self, email: str) -> list[bytes]:
        """The hashes under which an address is entered and found, in an order that all writers share."""
        return sorted(keyed_hash(key, email_key(email)) for key in self._lookup)

    def fingerprints(self, method: str, *parts: str) -> list[bytes]:
        """Hashes of a request's body, the current key's first; keyed, as a body holds guessable things."""
        return [keyed_hash(key, method, *parts) for key in self._fingerprint]


def decode_keys(text: str) -> list[bytes]:
    """Keys written as ``label:base64url`` with commas between; the label is for people and may be left out.

    Raises ValueError, without the text.
    """
    return [decode_key(part.strip().rpartition(":")[2]) for part in text.split(",")]


def _bound_to(account_id: UUID, channel: Channel, contact_id: UUID | None) -> bytes:
    # The owner's contact has no id of its own: one a channel. The channel's name ends where the id begins, as no name
    # of a channel begins with another.
    return account_id.bytes + channel.encode() + (contact_id.bytes if contact_id else b"")

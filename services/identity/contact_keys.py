"""What is done with the contact keys: sealing destinations, finding addresses, fingerprints of requests.

Each account has a data key of its own, sealed under the first contact key; its contacts are sealed under the data key.
To rotate: put the new key second in the list everywhere, then first, then run `hearthgate identity rotate-keys`, which
wraps the data keys anew and leaves the contacts alone. Addresses are entered and looked up under every key of the list,
so replicas that are at different steps agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from libs.runtime.keys import OpenError, SealingKeys, decode_key, derive_key, keyed_hash
from services.identity.domain.contact import Channel, email_key
from services.identity.envelope import is_enveloped, new_data_key, open_inside, seal_inside

KEY_ID_BYTES: Final = 8


class ContactForm(StrEnum):
    """In which form contacts are written. Both are always read.

    ``DIRECT``: under the contact key itself, as releases before migration 0006 read it. ``ENVELOPE``: under the
    account's data key; needs that migration, and that no process of an earlier release still serves.
    """

    DIRECT = "direct"
    ENVELOPE = "envelope"


class LookupHash(bytes):
    """The keyed hash of an address; ``key_id`` says under which key, None where it is not to be noted."""

    key_id: bytes | None = None

    @classmethod
    def of(cls, digest: bytes, key_id: bytes | None) -> Self:
        """A digest with the id of its key."""
        made = cls(digest)
        made.key_id = key_id
        return made


class ContactKeys:
    """Keys derived from the masters, a purpose each. The first master seals; every one opens and finds."""

    def __init__(
        self, masters: Sequence[bytes], *, labels: Sequence[str] = (), form: ContactForm = ContactForm.DIRECT
    ) -> None:
        direct = [derive_key(master, "identity/contact-sealing") for master in masters]
        self._sealing = SealingKeys(direct)
        self._wrapping = SealingKeys([derive_key(master, "identity/data-key-wrapping") for master in masters])
        self._lookup = [derive_key(master, "identity/email-lookup") for master in masters]
        self._fingerprint = [derive_key(master, "identity/request-fingerprint") for master in masters]
        self._guess = [derive_key(master, "identity/password-guess") for master in masters]
        self.form: Final = form
        self.key_ids: Final = [_key_id(master) for master in masters]
        """Ids of the keys in their order: what rows are marked with."""
        self.direct_ids: Final = [SealingKeys.id_of(key) for key in direct]
        """The same, as they stand in what is sealed directly."""
        self.labels: Final = [label or f"key {n}" for n, label in enumerate(labels or [""] * len(masters), start=1)]

    @classmethod
    def from_text(cls, text: str, *, form: ContactForm = ContactForm.DIRECT) -> Self:
        """Keys written as :func:`decode_keys` reads them, with their labels."""
        parts = [part.strip().rpartition(":") for part in text.split(",")]
        return cls(decode_keys(text), labels=[part[0] for part in parts], form=form)

    def seal(
        self,
        destination: str,
        *,
        account_id: UUID,
        channel: Channel,
        contact_id: UUID | None = None,
        data_key: bytes | None = None,
    ) -> bytes:
        """The destination encrypted, to be opened only for the same account, channel and, where given, contact.

        ``data_key`` is the account's, wrapped as its row holds it; without one the contact key itself seals.
        """
        bound = _bound_to(account_id, channel, contact_id)
        if data_key is None:
            return self._sealing.seal(destination.encode(), bound)
        return seal_inside(self._unwrap(data_key, account_id), destination.encode(), bound)

    def open(
        self,
        sealed: bytes,
        *,
        account_id: UUID,
        channel: Channel,
        contact_id: UUID | None = None,
        data_key: bytes | None = None,
    ) -> str:
        """The destination, in whichever form it was sealed. Raises OpenError."""
        bound = _bound_to(account_id, channel, contact_id)
        if not is_enveloped(sealed):
            return self._sealing.open(sealed, bound).decode()
        if data_key is None:
            raise OpenError("the account has no data key")
        return open_inside(self._unwrap(data_key, account_id), sealed, bound).decode()

    def seal_invited(self, email: str, *, account_id: UUID, member_id: UUID) -> bytes:
        """An invited address encrypted, to be opened only for the same host and place."""
        return self._sealing.seal(email.encode(), account_id.bytes + member_id.bytes)

    def open_invited(self, sealed: bytes, *, account_id: UUID, member_id: UUID) -> str:
        """An invited address. Raises OpenError."""
        return self._sealing.open(sealed, account_id.bytes + member_id.bytes).decode()

    def make_data_key(self, account_id: UUID) -> bytes:
        """A new data key for the account, wrapped under the first key."""
        return self._wrapping.seal(new_data_key(), _wrapped_for(account_id))

    def wrap_again(self, data_key: bytes, account_id: UUID) -> bytes:
        """The same data key, wrapped under the first key. Raises OpenError."""
        return self._wrapping.seal(self._unwrap(data_key, account_id), _wrapped_for(account_id))

    @property
    def current_id(self) -> bytes:
        """The id of the key that wraps and is entered first."""
        return self.key_ids[0]

    def email_hashes(self, email: str) -> list[LookupHash]:
        """The hashes under which an address is entered and found, in an order that all writers share."""
        return sorted(self.hashes_by_key(email))

    def hashes_by_key(self, email: str) -> list[LookupHash]:
        """The same in the order of the keys, the first key's first."""
        marked = self.form is ContactForm.ENVELOPE
        return [
            LookupHash.of(keyed_hash(key, email_key(email)), key_id if marked else None)
            for key, key_id in zip(self._lookup, self.key_ids, strict=True)
        ]

    def fingerprints(self, method: str, *parts: str) -> list[bytes]:
        """Hashes of a request's body, the current key's first; keyed, as a body holds guessable things."""
        return [keyed_hash(key, method, *parts) for key in self._fingerprint]

    def guess_hash(self, kind: str, key: str) -> bytes:
        """What guessed passwords are counted under beside an address: a network, or a device at an address.

        Under the first key alone, as addresses are counted: a rotation begins every counter anew.
        """
        return keyed_hash(self._guess[0], kind, key)

    def account_guess_hashes(self, account_id: UUID) -> list[bytes]:
        """What guesses of an account's own sessions are counted under; the first key's, which counts, first."""
        return [keyed_hash(key, "account", account_id.bytes) for key in self._guess]

    def _unwrap(self, data_key: bytes, account_id: UUID) -> bytes:
        return self._wrapping.open(data_key, _wrapped_for(account_id))


def _key_id(master: bytes) -> bytes:
    return keyed_hash(derive_key(master, "identity/key-id"))[:KEY_ID_BYTES]


def decode_keys(text: str) -> list[bytes]:
    """Keys written as ``label:base64url`` with commas between; the label is for people and may be left out.

    Raises ValueError, without the text.
    """
    return [decode_key(part.strip().rpartition(":")[2]) for part in text.split(",")]


def _bound_to(account_id: UUID, channel: Channel, contact_id: UUID | None) -> bytes:
    # The owner's contact has no id of its own: one a channel. The channel's name ends where the id begins, as no name
    # of a channel begins with another.
    return account_id.bytes + channel.encode() + (contact_id.bytes if contact_id else b"")


def _wrapped_for(account_id: UUID) -> bytes:
    return b"data key" + account_id.bytes

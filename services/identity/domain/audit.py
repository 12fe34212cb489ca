"""The audit log's events: what happened to an account, in a chain in which each event holds the hash before it.

A chain belongs to a *subject*: a random id that only a mapping leads to. Without the mapping a chain can still be
verified, and nobody can tell whose it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, Self
from uuid import UUID

from libs.runtime.keys import keyed_hash
from libs.runtime.rows import Row

Detail = str | int | bool

_FORM: Final = b"hearthgate audit event 1"
_PSEUDONYM_BYTES: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NAME: Final = re.compile(r"[a-z][a-z_]{0,39}", re.ASCII)
# No @, no +, no dot, no colon, and a letter first: no address, number, token or time fits in.
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
_MAX_DETAILS: Final = 8


class AuditKind(StrEnum):
    """What happened. The database takes any word, so a new kind needs no migration.

    SESSION_OPENED also says that what the device had before ended.
    """

    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    ACCOUNT_ACTIVATED = "ACCOUNT_ACTIVATED"
    ACCOUNT_STATE_SET = "ACCOUNT_STATE_SET"
    CONTACT_PUT = "CONTACT_PUT"
    CONTACT_VERIFIED = "CONTACT_VERIFIED"
    CONTACT_REMOVED = "CONTACT_REMOVED"
    CONTACT_RESTORED = "CONTACT_RESTORED"
    APPROVER_PUT = "APPROVER_PUT"
    APPROVER_VERIFIED = "APPROVER_VERIFIED"
    APPROVER_REMOVED = "APPROVER_REMOVED"
    SIGN_IN_SUCCEEDED = "SIGN_IN_SUCCEEDED"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SESSION_OPENED = "SESSION_OPENED"
    SESSIONS_ENDED = "SESSIONS_ENDED"
    TOKEN_REUSED = "TOKEN_REUSED"
    RESTRICTION_LIFTED = "RESTRICTION_LIFTED"
    PASSWORD_SET = "PASSWORD_SET"
    PASSWORD_RESET_DEMANDED = "PASSWORD_RESET_DEMANDED"
    PROFILE_CREATED = "PROFILE_CREATED"
    PROFILE_MOVED_OUT = "PROFILE_MOVED_OUT"
    PROFILE_MOVED_IN = "PROFILE_MOVED_IN"
    PROFILE_CAME_BACK = "PROFILE_CAME_BACK"
    PROFILE_WENT_BACK = "PROFILE_WENT_BACK"
    PROFILE_PIN_SET = "PROFILE_PIN_SET"
    PROFILE_PIN_REMOVED = "PROFILE_PIN_REMOVED"
    MEMBER_INVITED = "MEMBER_INVITED"
    INVITATION_CANCELLED = "INVITATION_CANCELLED"
    MEMBER_JOINED = "MEMBER_JOINED"
    MEMBER_REMOVED = "MEMBER_REMOVED"
    MEMBER_LEFT = "MEMBER_LEFT"
    PLAN_SET = "PLAN_SET"
    ERASURE_BEGUN = "ERASURE_BEGUN"
    ERASURE_CALLED_OFF = "ERASURE_CALLED_OFF"
    CHAIN_CLOSED = "CHAIN_CLOSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """An event in its place. ``device``, ``session`` and ``object`` are pseudonyms, empty where there is none."""

    subject_id: UUID
    sequence: int
    kind: str
    time: datetime
    actor: str
    device: bytes = b""
    session: bytes = b""
    object: bytes = b""
    details: str = "{}"
    previous_hash: bytes
    key_id: bytes = b""
    hash: bytes = b""

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The event that a row holds."""
        return cls(
            subject_id=row["subject_id"],
            sequence=row["sequence"],
            kind=row["kind"],
            time=row["event_time"],
            actor=row["actor"],
            device=row["device"],
            session=row["session"],
            object=row["object"],
            details=row["details"],
            previous_hash=row["previous_hash"],
            key_id=row["key_id"],
            hash=row["hash"],
        )

    def parts(self) -> tuple[bytes, ...]:
        """What the hash is made over, in order; each part is hashed with its length before it."""
        return (
            _FORM,
            self.key_id,
            self.subject_id.bytes,
            self.sequence.to_bytes(8, "big", signed=True),
            self.previous_hash,
            self.kind.encode(),
            microseconds(self.time).to_bytes(8, "big", signed=True),
            self.actor.encode(),
            self.device,
            self.session,
            self.object,
            self.details.encode(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where a chain ends: its last event's sequence and hash. ``sequence`` 0: it has no event yet."""

    subject_id: UUID
    sequence: int
    hash: bytes

    def leaf_hash(self) -> bytes:
        """The head as a leaf of an anchor's tree (RFC 9162, 2.1.1: leaves are hashed under the prefix 0)."""
        return sha256(b"\x00" + self.subject_id.bytes + self.sequence.to_bytes(8, "big") + self.hash).digest()


def genesis(account_id: UUID, salt: bytes) -> bytes:
    """What stands before the first event of an account's chain (32 bytes).

    It binds the chain to its account as long as the salt is there: nobody can map it to another one unseen.
    """
    return keyed_hash(salt, "account", account_id.bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A chain as its row tells of it: where it ends, and what it was begun with, unless that was forgotten."""

    head: Head
    genesis: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An account's chain, held for the transaction. The salt makes its pseudonyms, and goes when the account does."""

    head: Head
    salt: bytes = field(repr=False)

    def pseudonym(self, sort: str, value: str | UUID | None) -> bytes:
        """What stands in the chain for a device, session or other thing (16 bytes); empty for None or an empty text."""
        if not value:
            return b""
        return keyed_hash(self.salt, sort, str(value))[:_PSEUDONYM_BYTES]


def canonical_details(details: Mapping[str, Detail]) -> str:
    """The details in the one form that is hashed and stored: JSON with sorted keys and no spaces.

    Raises ValueError, without the value, for what is no plain word or number: nothing personal belongs here.
    """
    if len(details) > _MAX_DETAILS:
        raise ValueError(f"an event has at most {_MAX_DETAILS} details")
    for name, value in details.items():
        if not _NAME.fullmatch(name):
            raise ValueError("a detail is named in lower-case letters and underscores")
        if isinstance(value, str) and not _WORD.fullmatch(value):
            raise ValueError(f"the detail {name} must be a plain word")
    return json.dumps(dict(details), sort_keys=True, separators=(",", ":"))


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970: as exact as the database keeps a time."""
    return (moment - _EPOCH) // _MICROSECOND

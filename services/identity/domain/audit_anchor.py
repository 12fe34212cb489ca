"""Anchors: what is written down outside of the database about where the chains ended at a time.

An anchor holds the root of a Merkle tree (RFC 9162) over the heads that changed since the one before it, that one's
hash, and a signature. Who rewrites or shortens a chain afterwards cannot make the old root out of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self
from uuid import UUID

FIRST_PREVIOUS: Final = bytes(32)
"""What the first anchor holds in place of an earlier one's hash."""

_FORM: Final = b"hearthgate audit anchor 1\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A signed statement of many chains' heads. ``batch_id`` finds its leaves in the database."""

    number: int
    time: datetime
    batch_id: UUID
    leaf_count: int
    root: bytes
    previous_hash: bytes
    key_id: str
    signature: bytes = b""

    def statement(self) -> bytes:
        """What is signed: everything but the signature."""
        return _FORM + _canonical(self._members())

    def record(self) -> str:
        """The anchor as one line of JSON, always in the same form."""
        return _canonical(self._members() | {"signature": self.signature.hex()}).decode()

    def hash(self) -> bytes:
        """SHA-256 of the record (32 bytes), which the next anchor holds."""
        return sha256(self.record().encode()).digest()

    def _members(self) -> dict[str, str | int]:
        return {
            "anchor": self.number,
            "time": self.time.astimezone(UTC).isoformat(timespec="microseconds"),
            "batch": str(self.batch_id),
            "leaves": self.leaf_count,
            "root": self.root.hex(),
            "previous": self.previous_hash.hex(),
            "kid": self.key_id,
        }

    @classmethod
    def parse(cls, line: str) -> Self | None:
        """The anchor of a line: a record, or a line of the service's log that holds one. None for anything else."""
        try:
            members = json.loads(line)
            if "record" in members:
                members = json.loads(members["record"])
            return cls(
                number=int(members["anchor"]),
                time=datetime.fromisoformat(members["time"]),
                batch_id=UUID(members["batch"]),
                leaf_count=int(members["leaves"]),
                root=bytes.fromhex(members["root"]),
                previous_hash=bytes.fromhex(members["previous"]),
                key_id=str(members["kid"]),
                signature=bytes.fromhex(members["signature"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


def parse_anchors(lines: Iterable[str]) -> Iterator[Anchor]:
    """The anchors among the lines; what is none is passed over, and missed by its number."""
    for line in lines:
        anchor = Anchor.parse(line)
        if anchor is not None:
            yield anchor


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (RFC 9162, 2.1.1); an empty tree has the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    # The left half is the largest full tree that leaves something for the right one.
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def _canonical(members: dict[str, str | int]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()

"""What a verification of the audit log looks for, and how it says what it found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.identity.domain.audit import AuditEvent, AuditKind, Head, Standing
from services.identity.domain.audit_anchor import FIRST_PREVIOUS, Anchor


class Damage(StrEnum):
    """A sort of damage."""

    EVENT_ALTERED = "EVENT_ALTERED"
    """An event is not what was written: edited, moved to another place, or put in by somebody without the key."""
    EVENT_MISSING = "EVENT_MISSING"
    """A place in the middle of a chain is empty."""
    LINK_BROKEN = "LINK_BROKEN"
    """An event does not hold the hash of the one before it."""
    KEY_UNKNOWN = "KEY_UNKNOWN"
    """An event was made under a key that was not given: a forgery, or an old key is missing from the settings."""
    TAIL_MISSING = "TAIL_MISSING"
    """The head, or an anchor, knows of events after the last one."""
    CHAIN_MISSING = "CHAIN_MISSING"
    """The head, or an anchor, knows of a chain of which nothing is left."""
    HEAD_MISSING = "HEAD_MISSING"
    """There are events, and nothing says where they end."""
    HEAD_ALTERED = "HEAD_ALTERED"
    """The head says something else than the last event: one of them was set back, or put in."""
    ACCOUNT_ALTERED = "ACCOUNT_ALTERED"
    """The chain is said to be of an account that it was not begun for, or of two, or of none before it was closed."""
    CHAIN_REWRITTEN = "CHAIN_REWRITTEN"
    """An anchor saw another event in this place."""
    NOT_ANCHORED = "NOT_ANCHORED"
    """Events that are older than anchors take are in none: the anchoring stands still, or was led past this chain."""
    LEAVES_ALTERED = "LEAVES_ALTERED"
    """An anchor's leaves do not give its root: one was edited, removed or put in."""
    ANCHOR_ALTERED = "ANCHOR_ALTERED"
    """An anchor is not signed by us, or does not follow from the one before it."""
    ANCHOR_MISSING = "ANCHOR_MISSING"
    """An anchor is in one place and not in the other, or a number is left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong, and where: in a chain, or in an anchor."""

    damage: Damage
    text: str
    subject_id: UUID | None = None
    sequence: int | None = None
    anchor: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A head as an anchor saw it."""

    anchor: int
    head: Head


Authentic = Callable[[AuditEvent], bool | None]
"""Whether an event's hash is right; None where its key is not known."""


class ChainCheck:
    """One subject's chain, looked at event by event in the order of their sequence, then as a whole."""

    def __init__(
        self, subject_id: UUID, standings: Sequence[Standing], leaves: Sequence[Leaf], authentic: Authentic
    ) -> None:
        self._subject_id = subject_id
        self._standings = standings
        self._authentic = authentic
        self._leaves = leaves
        self._at: dict[int, list[Leaf]] = defaultdict(list)
        for leaf in leaves:
            self._at[leaf.head.sequence].append(leaf)
        self._sequence, self._hash, self._kind = 0, b"", ""
        self._anchored = max((leaf.head.sequence for leaf in leaves), default=0)
        self._first_not_anchored: AuditEvent | None = None

    def take(self, event: AuditEvent) -> Iterator[Finding]:
        """What is wrong with the next event."""
        sequence = event.sequence
        whole = sequence == self._sequence + 1
        if not whole:
            gap = f"{self._sequence + 1} to {sequence - 1}" if sequence > self._sequence + 2 else str(sequence - 1)
            yield self._found(Damage.EVENT_MISSING, self._sequence + 1, f"not there: {gap}")
        authentic = self._authentic(event)
        if authentic is None:
            yield self._found(Damage.KEY_UNKNOWN, sequence, f"made under the key {event.key_id.hex()}")
        elif not authentic:
            yield self._found(Damage.EVENT_ALTERED, sequence, f"{event.kind} is not what was written")
        if sequence == 1:
            yield from self._against_account(event)
        elif whole and event.previous_hash != self._hash:
            yield self._found(Damage.LINK_BROKEN, sequence, "does not follow from the event before it")
        for leaf in self._at.get(sequence, ()):
            if leaf.head.hash != event.hash:
                yield self._found(Damage.CHAIN_REWRITTEN, sequence, "was another event when anchored", leaf.anchor)
        if sequence > self._anchored and self._first_not_anchored is None:
            self._first_not_anchored = event
        self._sequence, self._hash, self._kind = sequence, event.hash, event.kind

    def finish(self, settled_before: datetime | None) -> Iterator[Finding]:
        """What is wrong with the chain as a whole; events before ``settled_before`` have to be anchored."""
        yield from self._against_head(self._standings[0].head if self._standings else None)
        forgotten = any(each.genesis is None for each in self._standings)
        if forgotten and self._kind != AuditKind.CHAIN_CLOSED:
            yield self._found(Damage.ACCOUNT_ALTERED, self._sequence, "is said to be nobody's, and was not closed")
        for leaf in self._leaves:
            if leaf.head.sequence > self._sequence:
                damage = Damage.TAIL_MISSING if self._sequence else Damage.CHAIN_MISSING
                text = f"ends at {self._sequence}, was anchored at {leaf.head.sequence}"
                yield self._found(damage, leaf.head.sequence, text, leaf.anchor)
        late = self._first_not_anchored
        if late is not None and settled_before is not None and late.time < settled_before:
            yield self._found(Damage.NOT_ANCHORED, late.sequence, f"of {late.time.isoformat()}, in no anchor")

    def _against_account(self, first: AuditEvent) -> Iterator[Finding]:
        known = [each.genesis for each in self._standings if each.genesis is not None]
        if any(genesis != first.previous_hash for genesis in known) or len(self._standings) > 1:
            yield self._found(Damage.ACCOUNT_ALTERED, 1, "is said to be of an account that it was not begun for")

    def _against_head(self, head: Head | None) -> Iterator[Finding]:
        last = self._sequence
        if head is None:
            if last:
                yield self._found(Damage.HEAD_MISSING, last, "no head says that the chain ends here")
        elif head.sequence > last:
            damage = Damage.TAIL_MISSING if last else Damage.CHAIN_MISSING
            yield self._found(damage, last + 1, f"ends at {last}, the head says {head.sequence}")
        elif head.sequence < last:
            yield self._found(Damage.HEAD_ALTERED, head.sequence + 1, f"the head says {head.sequence}, ends at {last}")
        elif head.hash != self._hash:
            yield self._found(Damage.HEAD_ALTERED, last, "the head holds another hash than the last event")

    def _found(self, damage: Damage, sequence: int, text: str, anchor: int | None = None) -> Finding:
        return Finding(damage=damage, text=text, subject_id=self._subject_id, sequence=sequence, anchor=anchor)


def check_anchors(
    anchors: Sequence[Anchor], signed: Callable[[Anchor], bool], place: str
) -> tuple[dict[int, Anchor], list[Finding]]:
    """The anchors of one place that can be relied on, by number, and what is wrong with them as a row.

    Written twice is harmless; the same number with another content is not.
    """
    good: dict[int, Anchor] = {}
    found: list[Finding] = []
    for anchor in anchors:
        if not signed(anchor):
            found.append(_anchor(Damage.ANCHOR_ALTERED, anchor.number, f"in {place}, is not signed by us"))
        elif good.setdefault(anchor.number, anchor) != anchor:
            found.append(_anchor(Damage.ANCHOR_ALTERED, anchor.number, f"in {place}, stands there in two forms"))
    for number in range(1, max(good, default=0) + 1):
        before = good.get(number - 1)
        if number not in good:
            found.append(_anchor(Damage.ANCHOR_MISSING, number, f"not in {place}, which has later ones"))
        elif number == 1 or before is not None:
            expected = before.hash() if before is not None else FIRST_PREVIOUS
            if good[number].previous_hash != expected:
                text = f"in {place}, does not follow from the one before it"
                found.append(_anchor(Damage.ANCHOR_ALTERED, number, text))
    return good, found


def compare_anchors(
    outside: dict[int, Anchor], inside: dict[int, Anchor], *, under_way_since: datetime
) -> Iterator[Finding]:
    """How the anchors outside differ from the database's; one made after ``under_way_since`` may not be out yet."""
    for number in sorted(outside.keys() | inside.keys()):
        out, within = outside.get(number), inside.get(number)
        if out is None and within is not None:
            if within.time < under_way_since and number > max(outside, default=0):
                yield _anchor(Damage.ANCHOR_MISSING, number, "in the database, not among the anchors outside")
        elif within is None:
            yield _anchor(Damage.ANCHOR_MISSING, number, "among the anchors outside, not in the database")
        elif out != within:
            yield _anchor(Damage.ANCHOR_ALTERED, number, "the database holds another one than stands outside")


def _anchor(damage: Damage, number: int, text: str) -> Finding:
    return Finding(damage=damage, text=text, anchor=number)

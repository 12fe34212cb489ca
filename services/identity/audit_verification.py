"""Verifying the audit log as a whole: every chain, the heads, and the anchors inside and outside of the database.

It may run beside the service: each batch of subjects is read in one snapshot, and anchors before the chains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.persistence.database import Database, Executor
from services.identity.anchor_file import AnchorFile
from services.identity.audit_keys import AuditKeys
from services.identity.domain.audit import AuditEvent, Standing
from services.identity.domain.audit_anchor import Anchor, merkle_root
from services.identity.domain.audit_findings import (
    ChainCheck,
    Damage,
    Finding,
    Leaf,
    check_anchors,
    compare_anchors,
)
from services.identity.storage import audit as storage

SETTLED: Final = timedelta(hours=1)
"""Events older than this have to be in an anchor. Ours: twice the longest interval that the settings take."""
MOST_FINDINGS: Final = 1_000
_UNDER_WAY: Final = timedelta(minutes=5)
_SUBJECTS: Final = 200
_EVENTS: Final = 5_000
_NIL: Final = UUID(int=0)


@dataclass(kw_only=True, slots=True)
class Report:
    """What was looked at and found. ``newest`` is the newest anchor that was relied on.

    ``findings`` holds the first 1,000, ``found`` counts all: a key that was dropped damns every event.
    """

    subjects: int = 0
    events: int = 0
    anchors: int = 0
    anchors_outside: bool = False
    newest: Anchor | None = None
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Note what is wrong."""
        for finding in findings:
            self.found += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)


async def verify(
    database: Database,
    keys: AuditKeys,
    outside: AnchorFile | None,
    *,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
) -> Report:
    """Look at everything. ``now`` is the database's time; ``progress`` is told the number of chains that are done.

    Raises ServiceError when the database fails, AnchorFileError when the anchors outside cannot be read.
    """
    report = Report(anchors_outside=outside is not None)
    anchors = await _anchors(database, keys, outside, now, report)
    for anchor in anchors.values():
        await _check_leaves(database, anchor, report)
    numbers = {anchor.batch_id: anchor.number for anchor in anchors.values()}
    # Without any anchor nothing can be demanded of them.
    settled_before = now - SETTLED if anchors else None
    after = _NIL
    while subject_ids := await storage.next_subjects(database, after, _SUBJECTS):
        async with database.transaction(isolation="repeatable_read") as snapshot:
            await _check_chains(snapshot, subject_ids, numbers, settled_before, keys, report)
        after = subject_ids[-1]
        progress(report.subjects)
    return report


async def _anchors(
    database: Database, keys: AuditKeys, outside: AnchorFile | None, now: datetime, report: Report
) -> dict[int, Anchor]:
    """The anchors to rely on: those outside where there are any to look at, else the database's own."""
    inside, found = check_anchors(await _all_anchors(database), keys.signed, "the database")
    relied = inside
    if outside is not None:
        # Read after the database's, so that it has at least what was written out by then.
        relied, found_outside = check_anchors(outside.read(), keys.signed, "the anchor file")
        found += found_outside
        found += compare_anchors(relied, inside, under_way_since=now - _UNDER_WAY)
        # Those that are only in the database still tell something, unless they contradict.
        relied = inside | relied
    report.add(found)
    report.anchors = len(relied)
    report.newest = relied[max(relied)] if relied else None
    return relied


async def _all_anchors(database: Database) -> list[Anchor]:
    anchors: list[Anchor] = []
    while page := await storage.anchors_after(database, anchors[-1].number if anchors else 0):
        anchors += page
    return anchors


async def _check_leaves(database: Database, anchor: Anchor, report: Report) -> None:
    heads = await storage.leaves_of_batch(database, anchor.batch_id)
    text = ""
    if len(heads) != anchor.leaf_count:
        text = f"has {len(heads)} leaves instead of {anchor.leaf_count}"
    elif merkle_root([head.leaf_hash() for head in heads]) != anchor.root:
        text = "its leaves do not give its root"
    if text:
        report.add([Finding(damage=Damage.LEAVES_ALTERED, text=text, anchor=anchor.number)])


async def _check_chains(
    snapshot: Executor,
    subject_ids: Sequence[UUID],
    numbers: dict[UUID, int],
    settled_before: datetime | None,
    keys: AuditKeys,
    report: Report,
) -> None:
    standings: dict[UUID, list[Standing]] = defaultdict(list)
    for standing in await storage.standings_of(snapshot, subject_ids):
        standings[standing.head.subject_id].append(standing)
    leaves: dict[UUID, list[Leaf]] = defaultdict(list)
    for batch_id, head in await storage.leaves_of(snapshot, subject_ids):
        if batch_id in numbers:
            leaves[head.subject_id].append(Leaf(anchor=numbers[batch_id], head=head))
    checks = {each: ChainCheck(each, standings[each], leaves[each], keys.authentic) for each in subject_ids}
    async for event in _events(snapshot, subject_ids):
        report.events += 1
        report.add(checks[event.subject_id].take(event))
    for check in checks.values():
        report.add(check.finish(settled_before))
    report.subjects += len(subject_ids)


async def _events(snapshot: Executor, subject_ids: Sequence[UUID]) -> AsyncIterator[AuditEvent]:
    after = (_NIL, 0)
    while page := await storage.events_of(snapshot, subject_ids, after, _EVENTS):
        for event in page:
            yield event
        after = (page[-1].subject_id, page[-1].sequence)

"""Anchoring: where the chains end is signed and written outside of the database, in intervals.

Any number of replicas may do it. Each makes a batch of leaves of its own; the next number is given to one of them by
the primary key of ``audit_anchor``, and the others' batches are left behind, named by no anchor.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn
from uuid import UUID, uuid4

from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger
from services.identity.anchor_file import AnchorFile, AnchorFileError
from services.identity.domain.audit import Head
from services.identity.domain.audit_anchor import FIRST_PREVIOUS, Anchor, merkle_root
from services.identity.storage import audit as storage
from services.identity.storage.audit import ChangedHead
from services.identity.use_cases.context import Identity

_LEAVES: Final = 10_000
_ROWS_AT_ONCE: Final = 200
_log = get_logger(__name__)


async def keep_anchoring(identity: Identity, *, every: timedelta, file: Path | None) -> NoReturn:
    """Anchor in intervals, which all replicas share, until cancelled. What fails is logged and tried again."""
    if file is None:
        _log.warning("anchors go to this log only", setting="HEARTHGATE_AUDIT_ANCHOR_FILE")
    while True:
        # Apart at random, so that replicas seldom make the same anchor twice.
        await asyncio.sleep(every.total_seconds() * random.uniform(0.5, 1))
        try:
            await anchor_if_due(identity, every=every)
            await write_out(identity, file)
        except ServiceError as error:
            _log.warning("not anchored", reason=error.reason)
        except AnchorFileError as error:
            _log.error("anchors not written out", error=str(error))
        except Exception:
            _log.exception("not anchored")


async def anchor_if_due(identity: Identity, *, every: timedelta) -> None:
    """Anchor unless some replica did within the interval."""
    last = await storage.last_anchor(identity.database)
    # Half of it: replicas sleep at random, and a chain must not wait for two of them.
    if last is None or identity.clock.now() - last.time >= every / 2:
        while await anchor(identity) == _LEAVES:
            pass


async def anchor(identity: Identity) -> int:
    """Make one anchor over the heads that changed since they were last in one; how many heads it holds.

    0 where nothing changed, or another replica took the number. Repeats after a cut are harmless: heads that were not
    marked are anchored again.
    """
    database = identity.database
    last = await storage.last_anchor(database)
    changed = _one_a_subject(await storage.changed_heads(database, _LEAVES))[:_LEAVES]
    if not changed:
        return 0
    batch_id = uuid4()
    heads = [head for _, head in changed]
    for start in range(0, len(heads), _ROWS_AT_ONCE):
        await storage.insert_leaves(database, batch_id, heads[start : start + _ROWS_AT_ONCE])
    made = _next(last, batch_id, heads, identity)
    if not await storage.insert_anchor(database, made):
        return 0
    # The log is a place outside, too: shipped to a store that nobody can rewrite, it is as good as the file.
    _log.info("audit anchor", anchor=made.number, leaves=made.leaf_count, record=made.record())
    await storage.mark_anchored(database, changed)
    return len(changed)


async def write_out(identity: Identity, path: Path | None) -> int:
    """Append to the file the anchors that it does not have; how many that were."""
    if path is None:
        return 0
    file = AnchorFile(path)
    written = 0
    last = await asyncio.to_thread(file.last_number)
    while missing := await storage.anchors_after(identity.database, last):
        written += await asyncio.to_thread(file.append, missing)
        last = missing[-1].number
    if written:
        _log.info("anchors written out", count=written, last=last)
    return written


def _next(last: Anchor | None, batch_id: UUID, heads: Sequence[Head], identity: Identity) -> Anchor:
    return identity.audit_keys.sign(
        Anchor(
            number=last.number + 1 if last is not None else 1,
            time=identity.clock.now(),
            batch_id=batch_id,
            leaf_count=len(heads),
            root=merkle_root([head.leaf_hash() for head in heads]),
            previous_hash=last.hash() if last is not None else FIRST_PREVIOUS,
            key_id="",
        )
    )


def _one_a_subject(changed: Sequence[ChangedHead]) -> list[ChangedHead]:
    """In the order of subjects; a chain that was closed between the two readings stands in both, and counts closed."""
    by_subject = {head.subject_id: (account_id, head) for account_id, head in changed}
    return [by_subject[subject_id] for subject_id in sorted(by_subject)]

"""The audit log in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.domain.audit import AuditEvent, Head, Standing, Subject, genesis
from services.identity.domain.audit_anchor import Anchor, parse_anchors
from services.identity.storage import audit_sql as sql

ChangedHead = tuple[UUID | None, Head]
"""A head with its account; None for a chain that is closed."""


async def lock_subject(transaction: Executor, account_id: UUID) -> Subject | None:
    """The account's chain, in which nobody else writes until the transaction ends; None where it has none yet."""
    return _subject(await transaction.fetch_row(sql.LOCK_SUBJECT, account_id))


async def insert_subject(transaction: Executor, account_id: UUID, subject_id: UUID, salt: bytes) -> None:
    """Begin a chain; does nothing where it was begun."""
    await transaction.execute(sql.INSERT_SUBJECT, account_id, subject_id, salt, genesis(account_id, salt))


async def append(transaction: Executor, account_id: UUID, event: AuditEvent) -> None:
    """Put the next event into a chain that is held."""
    await transaction.execute(sql.ADVANCE_HEAD, account_id, event.sequence, event.hash)
    await transaction.execute(
        sql.INSERT_EVENT,
        *(event.subject_id, event.sequence, event.kind, event.time, event.actor),
        *(event.device, event.session, event.object, event.details),
        *(event.previous_hash, event.key_id, event.hash),
    )


async def close_subject(transaction: Executor, account_id: UUID, head: Head, now: datetime) -> None:
    """Forget whose chain it is; where it ends is kept."""
    await transaction.execute(sql.CLOSE_SUBJECT, head.subject_id, head.sequence, head.hash, now)
    await transaction.execute(sql.DELETE_SUBJECT, account_id)


async def find_subject(executor: Executor, account_id: UUID) -> Subject | None:
    """The account's chain, to be read."""
    return _subject(await executor.fetch_row(sql.FIND_SUBJECT, account_id))


async def list_events(executor: Executor, subject_id: UUID, before: int, limit: int) -> list[AuditEvent]:
    """Events before a sequence, the newest first."""
    return [AuditEvent.from_row(row) for row in await executor.fetch(sql.LIST_EVENTS, subject_id, before, limit)]


async def list_session_names(executor: Executor, account_id: UUID) -> list[tuple[UUID, str]]:
    """Session and device ids of the account, the newest first, at most 1,000."""
    rows = await executor.fetch(sql.LIST_SESSION_NAMES, account_id)
    return [(row["session_id"], row["device_id"]) for row in rows]


async def last_anchor(executor: Executor) -> Anchor | None:
    """The newest anchor."""
    record = await executor.fetch_value(sql.LAST_ANCHOR)
    return Anchor.parse(record) if record else None


async def anchors_after(executor: Executor, number: int, limit: int = 1000) -> list[Anchor]:
    """The anchors after a number, in order; a row that holds none is left out."""
    rows = await executor.fetch(sql.ANCHORS_AFTER, number, limit)
    return list(parse_anchors(row["record"] for row in rows))


async def changed_heads(executor: Executor, limit: int) -> list[ChangedHead]:
    """Heads that are in no anchor yet."""
    rows = await executor.fetch(sql.CHANGED_HEADS, limit)
    changed: list[ChangedHead] = [(row["account_id"], _head(row)) for row in rows]
    closed = await executor.fetch(sql.CHANGED_CLOSED_HEADS, limit)
    return changed + [(None, _head(row)) for row in closed]


async def insert_leaves(executor: Executor, batch_id: UUID, heads: Sequence[Head]) -> None:
    """Keep the heads that an anchor is made over."""
    columns = [[head.subject_id for head in heads], [head.sequence for head in heads], [head.hash for head in heads]]
    await executor.execute(sql.INSERT_LEAVES, batch_id, *columns)


async def insert_anchor(executor: Executor, anchor: Anchor) -> bool:
    """Add the next anchor; False where another replica was first with this number."""
    tag = await executor.execute(sql.INSERT_ANCHOR, anchor.number, anchor.time, anchor.record())
    return tag == "INSERT 0 1"


async def mark_anchored(executor: Executor, changed: Sequence[ChangedHead]) -> None:
    """Say that these heads are anchored, each by itself: who waits for one holds no other up, and on Citus each is one
    shard's. The heads are those rows that every change of an account holds.
    """
    for account_id, head in changed:
        if account_id is not None:
            await executor.execute(sql.MARK_ANCHORED, account_id, head.sequence)
        else:
            await executor.execute(sql.MARK_CLOSED_ANCHORED, head.subject_id, head.sequence)


async def count_subjects(executor: Executor) -> int:
    """How many chains have a head."""
    count: int = await executor.fetch_value(sql.COUNT_SUBJECTS)
    return count


async def database_time(executor: Executor) -> datetime:
    """The database's present moment."""
    moment: datetime = await executor.fetch_value(sql.DATABASE_TIME)
    return moment


async def next_subjects(executor: Executor, after: UUID, limit: int) -> list[UUID]:
    """The next subjects, in order, of which there is an event, a head or a leaf."""
    return [row["subject_id"] for row in await executor.fetch(sql.NEXT_SUBJECTS, after, limit)]


async def standings_of(executor: Executor, subject_ids: Sequence[UUID]) -> list[Standing]:
    """Where these chains end, and what those of accounts that are not erased began with."""
    return [_standing(row) for row in await executor.fetch(sql.HEADS_OF, subject_ids)]


async def events_of(
    executor: Executor, subject_ids: Sequence[UUID], after: tuple[UUID, int], limit: int
) -> list[AuditEvent]:
    """The next events of these chains, by subject and sequence."""
    return [AuditEvent.from_row(row) for row in await executor.fetch(sql.EVENTS_OF, subject_ids, *after, limit)]


async def leaves_of(executor: Executor, subject_ids: Sequence[UUID]) -> list[tuple[UUID, Head]]:
    """What was anchored of these chains: batch and head."""
    return [_leaf(row) for row in await executor.fetch(sql.LEAVES_OF, subject_ids)]


async def leaves_of_batch(executor: Executor, batch_id: UUID) -> list[Head]:
    """The heads that an anchor was made over, in the order of its tree."""
    return [_leaf(row)[1] for row in await executor.fetch(sql.LEAVES_OF_BATCH, batch_id)]


def _subject(row: Record | None) -> Subject | None:
    return Subject(head=_head(row), salt=row["salt"]) if row is not None else None


def _head(row: Record) -> Head:
    return Head(subject_id=row["subject_id"], sequence=row["sequence"], hash=row["head_hash"])


def _standing(row: Record) -> Standing:
    account_id, salt = row["account_id"], row["salt"]
    return Standing(head=_head(row), genesis=genesis(account_id, salt) if account_id is not None else None)


def _leaf(row: Record) -> tuple[UUID, Head]:
    head = Head(subject_id=row["subject_id"], sequence=row["sequence"], hash=row["hash"])
    return row["batch_id"], head

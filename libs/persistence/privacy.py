"""What a service holds about an account: listed once, exported for the person, and erased.

A service lists its holdings, a kind each; a test compares the list with the tables that the database really has.
Exports are read page by page behind the last key, and deletions made batch by batch: neither grows with the account.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from libs.runtime.errors import not_found

PAGE_ROWS: Final = 200
CHUNK_BYTES: Final = 256 * 1024
"""About how much of an export is held at once: far below what one gRPC message may hold."""
BATCH_ROWS: Final = 1_000
ROWS_PER_CALL: Final = 20_000
"""Deleted in one call, at most: well within a call's deadline. Ours."""
TOMBSTONE_LIFE: Final = timedelta(days=120)
"""How long what comes late for an erased account is refused. Ours: longer than the oldest sighting that is taken in."""

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Whom it is about: an account, and the keyed hashes of its contacts where a service keeps things under those.

    ``other_hashes`` are of other people's contacts, which were written to for the account.
    """

    account_id: UUID
    contact_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    other_hashes: tuple[bytes, ...] = field(default=(), repr=False)


def by_account(subject: Subject) -> Any:
    """The first parameter of a statement that finds its rows by the account."""
    return subject.account_id


def by_contacts(subject: Subject) -> Any:
    """The first parameter of a statement that finds its rows by hashes of contacts."""
    return list(subject.contact_hashes)


def by_all_contacts(subject: Subject) -> Any:
    """The same with other people's contacts."""
    return [*subject.contact_hashes, *subject.other_hashes]


def as_it_is(row: Record) -> Iterable[Document]:
    """One document a row, its columns named by the statement."""
    return (dict(row),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A kind of thing that is held: where it stands, how a page of it is read, and how a batch of it is deleted.

    ``erase`` takes the subject and a number of rows. ``export`` takes the subject, a number of rows, and the values of
    ``keys`` in the row after which the page begins, which for the first page are ``first``. What is not exported says
    why in ``withheld``, in words for the person. ``column`` is the column by which the rows name the account.
    ``export_subject`` is for rows that are read by something else than they are deleted by.
    """

    kind: str
    table: str
    erase: str
    export: str = ""
    keys: tuple[str, ...] = ()
    first: tuple[Any, ...] = ()
    documents: Callable[[Record], Iterable[Document]] = as_it_is
    withheld: str = ""
    column: str = "account_id"
    subject: Callable[[Subject], Any] = by_account
    export_subject: Callable[[Subject], Any] | None = None

    def __post_init__(self) -> None:
        if bool(self.export) == bool(self.withheld) or len(self.keys) != len(self.first):
            raise ValueError(f"{self.kind} is either exported, by keys that begin somewhere, or withheld for a reason")


@dataclass(frozen=True, slots=True)
class Exported:
    """One document of a kind, as JSON."""

    kind: str
    json: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """Rows deleted by kind, and whether nothing is left."""

    counts: Mapping[str, int]
    complete: bool


async def export_holdings(
    executor: Executor, holdings: Sequence[Holding], subject: Subject
) -> AsyncGenerator[list[Exported]]:
    """Everything that is exported, in chunks of about 256 KiB; the documents of a kind come one after another."""
    chunk: list[Exported] = []
    size = 0
    for holding in holdings:
        async for document in _documents(executor, holding, subject):
            exported = Exported(holding.kind, to_json(document))
            chunk.append(exported)
            size += len(exported.json)
            if size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


async def _documents(executor: Executor, holding: Holding, subject: Subject) -> AsyncGenerator[Document]:
    after: tuple[Any, ...] | None = holding.first if holding.export else None
    whose = (holding.export_subject or holding.subject)(subject)
    while after is not None:
        rows = await executor.fetch(holding.export, whose, PAGE_ROWS, *after)
        for row in rows:
            for document in holding.documents(row):
                yield document
        after = tuple(rows[-1][key] for key in holding.keys) if len(rows) == PAGE_ROWS and holding.keys else None


async def erase_holdings(executor: Executor, holdings: Sequence[Holding], subject: Subject) -> Erased:
    """Delete what is held, in the order of the list, up to 20,000 rows. Each batch is committed by itself."""
    counts: Counter[str] = Counter()
    left = ROWS_PER_CALL
    for holding in holdings:
        while True:
            deleted = _count(await executor.execute(holding.erase, holding.subject(subject), BATCH_ROWS))
            counts[holding.kind] += deleted
            left -= deleted
            if left <= 0:
                return Erased(counts=+counts, complete=False)
            if deleted < BATCH_ROWS:
                break
    return Erased(counts=+counts, complete=True)


def to_json(document: Document) -> str:
    """A document as one line. Raises TypeError for bytes: hashes and sealed things mean nothing to a person."""
    return json.dumps(dict(document), default=_plain, ensure_ascii=False, separators=(",", ":"))


def erase_rows(service: str, table: str, keys: str, *, where: str = "account_id = $1") -> str:
    """The statement that deletes a batch of a table's rows; ``keys`` are the columns that tell two rows apart."""
    return f"""/* {service}.erase_{table}: a batch of what is held about an account */
delete from {table} where {where} and ({keys}) in (select {keys} from {table} where {where} limit $2)"""  # noqa: S608 - a service's own names


# Tombstones -----------------------------------------------------------------------------------------------------------

_BURY: Final = """/* privacy.bury: nothing more is kept of an account */
insert into erased_account as e (account_hash, erase_time) values ($1, $2)
on conflict (account_hash) do update set erase_time = excluded.erase_time"""

_FORGET: Final = "/* privacy.forget: tombstones of long ago */ delete from erased_account where erase_time < $1"

_IS_ERASED: Final = """/* privacy.is_erased: whether an account was erased */
select exists (select from erased_account where account_hash = $1)"""


def account_hash(account_id: UUID) -> bytes:
    """What is kept of an erased account's id: SHA-256, which leads back to no id. An id has 74 random bits."""
    return sha256(b"hearthgate erased account" + account_id.bytes).digest()


async def bury(executor: Executor, account_id: UUID, now: datetime) -> None:
    """From now on nothing is kept of an account: whoever writes looks here first. Also forgets tombstones of long ago.

    To be committed before the deletion begins: what was under way then is deleted, what comes after it is refused.
    """
    await executor.execute(_FORGET, now - TOMBSTONE_LIFE)
    await executor.execute(_BURY, account_hash(account_id), now)


async def is_erased(executor: Executor, account_id: UUID) -> bool:
    """Whether an account was erased lately. On Citus this is a read of a reference table."""
    return bool(await executor.fetch_value(_IS_ERASED, account_hash(account_id)))


async def require_not_erased(executor: Executor, account_id: UUID) -> None:
    """Raises NOT_FOUND for an account that was erased."""
    if await is_erased(executor, account_id):
        raise not_found("account")


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[-1])


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case timedelta():
            return value.total_seconds()
    raise TypeError(f"a {type(value).__name__} does not belong in an export")

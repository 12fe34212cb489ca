"""Retention: what a service keeps, how long and why, as rules that one loop or one scheduled job applies.

A service states a :class:`Policy`; every table of its database stands in it, with a rule, or with words that say why it
needs none. Deleting is bounded: some rows at a time, each batch a transaction of its own, so that no lock is held long.
It may run in several places at once. These statements cross accounts, which nothing else here does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NoReturn
from uuid import UUID

from libs.persistence.database import Database, retry_conflicts
from libs.runtime.clock import Clock
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger

BATCH: Final = 1000
"""Rows deleted at a time: some tens of milliseconds."""
_BEFORE_THE_FIRST: Final = UUID(int=0)
_log = get_logger(__name__)

Purge = Callable[[Database, datetime], Awaitable[int]]
"""Deletes everything older than a moment, some at a time; how many rows that were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How long the rows of a table, or some of them, are kept.

    ``since`` says from when ``keep`` counts, ``setting`` which variable sets it. ``condition`` is true of what is past
    it; ``$1`` is the moment before which it began. ``walk`` is the first column of the primary key (a UUID) where the
    condition has no index: the table is then read along it in pieces, which spares every write an index more.
    ``purge`` deletes in another way, where one statement does not do.
    """

    table: str
    what: str
    keep: timedelta
    since: str
    why: str
    setting: str
    condition: str
    walk: str = ""
    purge: Purge | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A service's retention. ``bounded`` and ``catalogue`` name the tables without a rule, with the reason."""

    service: str
    rules: Sequence[Rule]
    bounded: Mapping[str, str]
    catalogue: Mapping[str, str]

    def tables(self) -> set[str]:
        """Every table that the policy speaks of."""
        return {rule.table for rule in self.rules} | set(self.bounded) | set(self.catalogue)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a rule: how many rows went, or would have gone; ``failure`` is a reason, or empty."""

    table: str
    what: str
    before: datetime
    rows: int = 0
    failure: str = ""


async def apply(database: Database, clock: Clock, policy: Policy, *, dry_run: bool = False) -> list[Outcome]:
    """Apply every rule once, or only count. A rule that fails is logged and said, and the others go on."""
    now = clock.now()
    return [await _apply(database, now, policy.service, rule, dry_run=dry_run) for rule in policy.rules]


async def run_loop(database: Database, clock: Clock, policy: Policy, interval: timedelta) -> NoReturn:
    """Apply the policy now and then, for ever."""
    while True:
        outcomes = await apply(database, clock, policy)
        gone = {f"{each.table}: {each.what}": each.rows for each in outcomes if each.rows}
        if gone:
            _log.info("retention applied", rows=gone)
        await asyncio.sleep(interval.total_seconds())


async def _apply(database: Database, now: datetime, service: str, rule: Rule, *, dry_run: bool) -> Outcome:
    before = now - rule.keep
    outcome = partial(Outcome, table=rule.table, what=rule.what, before=before)
    try:
        if dry_run:
            return outcome(rows=await database.fetch_value(_count_statement(service, rule), before))
        return outcome(rows=await _purge(database, service, rule, before))
    except ServiceError as error:
        _log.warning("retention failed", service=service, table=rule.table, reason=error.reason, detail=error.detail)
        return outcome(failure=str(error.reason))


async def _purge(database: Database, service: str, rule: Rule, before: datetime) -> int:
    if rule.purge is not None:
        return await rule.purge(database, before)
    purge = _purge_by_walk if rule.walk else _purge_by_age
    return await purge(database, service, rule, before)


def affected(tag: str) -> int:
    """How many rows a command tag speaks of."""
    return int(tag.rpartition(" ")[2])


async def _purge_by_age(database: Database, service: str, rule: Rule, before: datetime) -> int:
    # The condition stands twice, as a row may have changed, or on Citus be another one, by the time it is deleted.
    statement = (
        f"{_purge_name(service, rule)}delete from {rule.table} "
        f"where ctid = any(array(select ctid from {rule.table} where {rule.condition} limit $2)) and {rule.condition}"
    )
    gone = 0
    while rows := affected(await _retried(database, statement, before, BATCH)):
        gone += rows
    return gone


async def _purge_by_walk(database: Database, service: str, rule: Rule, before: datetime) -> int:
    key, table, name = rule.walk, rule.table, _purge_name(service, rule)
    # The rows of one key go at once: they are an account's, so few.
    piece = (
        f"/* {service}.retention_piece_of_{table}: where the next piece of a walk ends */ "
        f"select {key} from {table} where {key} > $1 order by {key} offset $2 limit 1"
    )
    inside = f"{name}delete from {table} where {rule.condition} and {key} > $2 and {key} <= $3"
    rest = f"{name}delete from {table} where {rule.condition} and {key} > $2"
    gone, after = 0, _BEFORE_THE_FIRST
    while (end := await database.fetch_value(piece, after, BATCH)) is not None:
        gone += affected(await _retried(database, inside, before, after, end))
        after = end
    return gone + affected(await _retried(database, rest, before, after))


async def _retried(database: Database, statement: str, *arguments: Any) -> str:
    return await retry_conflicts(partial(database.execute, statement, *arguments))


def _purge_name(service: str, rule: Rule) -> str:
    return f"/* {service}.retention_purge_{rule.table}: some of what is past its time, over all accounts */ "


def _count_statement(service: str, rule: Rule) -> str:
    return (
        f"/* {service}.retention_count_{rule.table}: rows past their time, over all accounts */ "
        f"select count(*) from {rule.table} where {rule.condition}"
    )

"""Erasures as they are kept. One an account; its id is a keyed hash of the account's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from libs.runtime.keys import keyed_hash
from services.gateway.domain.erasure import Erasure, ErasureState, Step, state_at
from services.gateway.domain.records import AccountState
from services.gateway.storage import privacy_sql as sql


def erasure_id_of(digest_key: bytes, account_id: UUID) -> UUID:
    """The id of an account's erasure: it finds the erasure by the account, and never the account by the erasure."""
    return UUID(bytes=keyed_hash(digest_key, "erasure", account_id.bytes)[:16], version=4)


async def begin(executor: Executor, new: Erasure, lease_time: datetime) -> Erasure | None:
    """Keep a new erasure, or one in place of one that is over; None where the account has one that runs."""
    row = await executor.fetch_row(
        sql.BEGIN_ERASURE,
        *(new.erasure_id, new.account_id, new.request_id, new.requester, new.state_before),
        *(new.request_time, new.erase_time, lease_time, new.fence),
    )
    return _erasure(row) if row else None


async def find(executor: Executor, erasure_id: UUID) -> Erasure | None:
    """The erasure of that id, or None."""
    row = await executor.fetch_row(sql.FIND_ERASURE, erasure_id)
    return _erasure(row) if row else None


async def claim_due(executor: Executor, limit: int, *, now: datetime, lease_time: datetime) -> list[Erasure]:
    """Up to ``limit`` erasures whose next step is due, each leased to this caller alone."""
    claimed = []
    for due in await executor.fetch(sql.DUE_ERASURES, now, limit):
        row = await executor.fetch_row(sql.CLAIM_ERASURE, due["erasure_id"], now, lease_time)
        if row is not None:
            claimed.append(_erasure(row))
    return claimed


async def move_on(
    executor: Executor,
    erasure: Erasure,
    step: Step,
    *,
    due_time: datetime | None,
    lease_time: datetime,
    counts: Mapping[str, int],
) -> Erasure | None:
    """A step is done and ``step`` is next; None where somebody else has the erasure by now."""
    state = ErasureState.CANCELLED if erasure.state is ErasureState.CANCELLED else state_at(step)
    row = await executor.fetch_row(
        sql.MOVE_ERASURE_ON,
        *(erasure.erasure_id, erasure.step, step, state, due_time, json.dumps(dict(counts)), lease_time),
        erasure.fence,
    )
    return _erasure(row) if row else None


async def finish(executor: Executor, erasure: Erasure, now: datetime, counts: Mapping[str, int]) -> Erasure | None:
    """Forget whose it was; None where somebody else has the erasure by now."""
    row = await executor.fetch_row(sql.FINISH_ERASURE, erasure.erasure_id, now, json.dumps(dict(counts)), erasure.fence)
    return _erasure(row) if row else None


async def postpone(
    executor: Executor, erasure: Erasure, due_time: datetime | None, now: datetime, counts: Mapping[str, int]
) -> bool:
    """A step failed; try again then, or, where ``due_time`` is None, no more. False where somebody else has it."""
    row = await executor.fetch_row(
        sql.POSTPONE_ERASURE,
        *(erasure.erasure_id, erasure.step, due_time, now, json.dumps(dict(counts)), erasure.fence),
    )
    return row is not None


async def release(executor: Executor, erasure: Erasure, now: datetime) -> None:
    """Nobody works on it any more, unless somebody took it over."""
    await executor.execute(sql.RELEASE_ERASURE, erasure.erasure_id, now, erasure.fence)


async def cancel(executor: Executor, erasure_id: UUID, *, now: datetime, lease_time: datetime) -> Erasure | None:
    """Call it off; None where deleting has begun, it is over, or somebody works on it just now."""
    row = await executor.fetch_row(sql.CANCEL_ERASURE, erasure_id, now, lease_time)
    return _erasure(row) if row else None


async def call_off(executor: Executor, erasure: Erasure, *, now: datetime, lease_time: datetime) -> Erasure | None:
    """Call off, at the end of its grace, what this caller works on; None where somebody else has it by now."""
    row = await executor.fetch_row(sql.CALL_ERASURE_OFF, erasure.erasure_id, now, lease_time, erasure.fence)
    return _erasure(row) if row else None


async def hasten(executor: Executor, erasure: Erasure, *, now: datetime, erase_time: datetime) -> Erasure | None:
    """Bring the day forward, or set a failed one in motion again; None where there is nothing to hasten."""
    row = await executor.fetch_row(sql.HASTEN_ERASURE, erasure.erasure_id, now, erase_time, state_at(erasure.step))
    return _erasure(row) if row else None


def _erasure(row: Record) -> Erasure:
    return Erasure(
        erasure_id=row["erasure_id"],
        account_id=row["account_id"],
        request_id=row["request_id"],
        requester=row["requester"],
        state=ErasureState(row["state"]),
        step=Step(row["step"]),
        state_before=AccountState(row["state_before"]),
        attempt_count=row["attempt_count"],
        counts=json.loads(row["counts"]),
        request_time=row["request_time"],
        erase_time=row["erase_time"],
        due_time=row["due_time"],
        done_time=row["done_time"],
        fence=row["fence"],
    )

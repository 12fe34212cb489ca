"""Slots, epochs and what ends streams, over one account at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.lease import ActiveStream, Lease, StreamRequest
from services.gateway.storage import epoch_sql, notices_sql, plan_sql, sql


async def find_epoch(executor: Executor, account_id: UUID) -> int:
    """The account's epoch; 0 for an account that has no row yet."""
    epoch = await executor.fetch_value(sql.FIND_ADMISSION, account_id)
    return int(epoch or 0)


async def find_epochs(executor: Executor, account_ids: Collection[UUID]) -> dict[UUID, int]:
    """The epochs of those accounts that have a row."""
    rows = await executor.fetch(epoch_sql.FIND_EPOCHS, list(account_ids))
    return {row["account_id"]: row["epoch"] for row in rows}


async def claim(
    executor: Executor, request: StreamRequest, *, epoch: int, max_streams: int, now: datetime, expire_time: datetime
) -> Lease | None:
    """Take a free slot after ending what the request asks to end; None when none is free.

    Belongs in a transaction with the decision: both or neither. Raises CONCURRENT_CHANGE when the epoch has moved on.
    The epoch is held until the transaction ends: a revocation waits for it, and then finds the slot and frees it.
    """
    await _hold_epoch(executor, request.account_id, epoch)
    if request.stop_stream_ids:
        await end_streams(executor, request.account_id, list(request.stop_stream_ids), now)
    if request.replace_device_streams:
        await end_device_streams(executor, request.account_id, request.device_id, now)
    values = (
        *(request.account_id, epoch, request.stream_id, request.session_id, request.device_id),
        *(request.device_name, request.profile_id, request.title_id, now, expire_time, max_streams),
    )
    fence = await executor.fetch_value(sql.CLAIM_SLOT, *values)
    if fence is None:
        # All are held, or the account has fewer rows than its plan has streams, or SKIP LOCKED passed over a slot that
        # was being freed: make what is missing, and try once more.
        await executor.execute(sql.ENSURE_SLOTS, request.account_id, max_streams)
        fence = await executor.fetch_value(sql.CLAIM_SLOT, *values)
    if fence is None and await executor.fetch_value(plan_sql.HAS_SURPLUS, request.account_id, max_streams, now):
        # A plan was made smaller: a free slot does not say that the plan has room, so the streams have to be counted.
        await executor.fetch(plan_sql.LOCK_SLOTS, request.account_id)
        fence = await executor.fetch_value(plan_sql.CLAIM_BESIDE_SURPLUS, *values)
    if fence is None:
        return None
    return Lease(stream_id=request.stream_id, expire_time=expire_time, fencing_token=int(fence))


async def _hold_epoch(executor: Executor, account_id: UUID, epoch: int) -> None:
    """Always before any slot, as revocations do, so that the two never wait for one another."""
    held = await executor.fetch_value(sql.HOLD_ADMISSION, account_id)
    if held is None:
        await executor.execute(sql.ENSURE_ADMISSION, account_id)
        held = await executor.fetch_value(sql.HOLD_ADMISSION, account_id)
    if held != epoch:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="a revocation came between; look up again")


async def renew(
    executor: Executor,
    stream: ActiveStream,
    account_id: UUID,
    *,
    epoch: int,
    max_streams: int,
    now: datetime,
    expire_time: datetime,
) -> bool:
    """Move a lease's end; False when the slot has another holder, the epoch has moved on, or the plan has no room."""
    held = (stream.stream_id, stream.fencing_token, expire_time, stream.session_id)
    return await executor.fetch_value(sql.RENEW_SLOT, account_id, epoch, *held, now, max_streams) is not None


async def count_in_the_way(executor: Executor, account_id: UUID, stream_id: UUID, now: datetime) -> int:
    """How many running streams go before this one when a plan has not room for all: the older ones."""
    return int(await executor.fetch_value(plan_sql.COUNT_IN_THE_WAY, account_id, stream_id, now) or 0)


async def find_stream(executor: Executor, account_id: UUID, stream_id: UUID) -> ActiveStream | None:
    """The stream that holds a slot, or None."""
    row = await executor.fetch_row(sql.FIND_STREAM, account_id, stream_id)
    return _active_stream(row) if row else None


async def list_streams(executor: Executor, account_id: UUID, now: datetime) -> tuple[ActiveStream, ...]:
    """The streams that run now, oldest first."""
    rows = await executor.fetch(sql.LIST_STREAMS, account_id, now)
    return tuple(_active_stream(row) for row in rows if row["stream_id"] is not None)


async def end_streams(executor: Executor, account_id: UUID, stream_ids: list[UUID], now: datetime) -> int:
    """Free the slots of these streams; how many were running."""
    return _count(await executor.execute(sql.END_STREAMS, account_id, stream_ids, now))


async def end_device_streams(executor: Executor, account_id: UUID, device_id: str, now: datetime) -> int:
    """Free every slot of a device; how many were running."""
    return _count(await executor.execute(sql.END_DEVICE_STREAMS, account_id, device_id, now))


async def end_session_streams(executor: Executor, account_id: UUID, session_id: UUID, now: datetime) -> int:
    """Free every slot of a session; how many were running."""
    return _count(await executor.execute(sql.END_SESSION_STREAMS, account_id, session_id, now))


async def end_other_streams(executor: Executor, account_id: UUID, session_id: UUID | None, now: datetime) -> int:
    """Free every slot of the account but those of one session (None: all); how many were running."""
    return _count(await executor.execute(sql.END_OTHER_STREAMS, account_id, session_id, now))


async def end_streams_but_of_devices(
    executor: Executor, account_id: UUID, kept_device_ids: Sequence[str], now: datetime
) -> int:
    """Free every slot of the account but those of some devices; how many were running."""
    values = (account_id, list(kept_device_ids), now)
    return _count(await executor.execute(notices_sql.END_STREAMS_BUT_OF_DEVICES, *values))


async def raise_epoch(executor: Executor, account_id: UUID) -> None:
    """Make whatever was looked up before useless for claiming a slot."""
    await executor.execute(sql.RAISE_EPOCH, account_id)


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[-1])


def _active_stream(row: Record) -> ActiveStream:
    return ActiveStream(
        stream_id=row["stream_id"],
        session_id=row["session_id"],
        device_id=row["device_id"],
        device_name=row["device_name"],
        profile_id=row["profile_id"],
        title_id=row["title_id"],
        start_time=row["start_time"],
        fencing_token=row["fence"],
    )

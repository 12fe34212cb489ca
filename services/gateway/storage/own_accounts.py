"""Own accounts in the database: how far each has come, and the owners' agreement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.gateway.domain.own_account import OwnAccount, OwnAccountState, Side, Step
from services.gateway.storage import own_account_sql as sql


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """Which profile an owner is asked about, for which device; ``agreed`` once the yes was brought."""

    challenge_id: UUID
    profile_id: UUID
    device_id: str
    agreed: bool
    expire_time: datetime


async def insert(executor: Executor, own: OwnAccount) -> None:
    """An own account that waits for its code; does nothing where it is there."""
    await executor.execute(
        sql.INSERT_OWN_ACCOUNT,
        *(own.account_id, own.own_account_id, own.target_account_id, own.profile_id, own.profile_name),
        *(own.device_id, own.challenge_id, own.owner_agreed, own.create_time),
    )


async def find(executor: Executor, account_id: UUID, own_account_id: UUID) -> OwnAccount | None:
    """The own account of that id that left the account, or None."""
    row = await executor.fetch_row(sql.FIND_OWN_ACCOUNT, account_id, own_account_id)
    return _own_account(row) if row else None


async def find_by_target(executor: Executor, target_account_id: UUID) -> OwnAccount | None:
    """The own account that an account was made as, or None."""
    row = await executor.fetch_row(sql.FIND_TARGET, target_account_id)
    return await find(executor, row["source_account_id"], row["own_account_id"]) if row else None


async def list_left(executor: Executor, account_id: UUID, limit: int) -> list[OwnAccount]:
    """Who left an account, the latest first."""
    return [_own_account(row) for row in await executor.fetch(sql.LIST_OWN_ACCOUNTS, account_id, limit)]


async def note_target(executor: Executor, own: OwnAccount) -> None:
    """Let the new account find it. Before it begins: an entry without its own account is nobody's."""
    await executor.execute(sql.INSERT_TARGET, own.target_account_id, own.account_id, own.own_account_id)


async def enter_code(executor: Executor, own: OwnAccount, client: bytes, look_time: datetime) -> None:
    """Note that the code is being entered, by whom, and when a worker should look what came of it."""
    await executor.execute(sql.ENTER_CODE, own.account_id, own.own_account_id, look_time, client)


async def stop_waiting(executor: Executor, own: OwnAccount, failure: str) -> None:
    """Nothing came of the code; does nothing where it was entered again meanwhile."""
    await executor.execute(sql.STOP_WAITING, own.account_id, own.own_account_id, failure, own.next_try_time)


async def keep(executor: Executor, before: OwnAccount, after: OwnAccount) -> bool:
    """Record what came of a step; False where another driver was there before."""
    row = await executor.fetch_row(
        sql.KEEP_OWN_ACCOUNT,
        *(before.account_id, before.own_account_id, before.state, before.step),
        *(after.state, after.step, after.undone_by, after.client, after.attempts, after.failure, after.next_try_time),
        *(after.begin_time, after.done_time, after.undo_time),
    )
    return row is not None


async def keep_failure(executor: Executor, failed: OwnAccount) -> bool:
    """Note that a step failed, and when it is tried again; False where another driver has been there since."""
    values = (failed.state, failed.step, failed.attempts, failed.failure, failed.next_try_time)
    row = await executor.fetch_row(sql.KEEP_FAILURE, failed.account_id, failed.own_account_id, *values)
    return row is not None


async def list_due(executor: Executor, now: datetime, limit: int) -> list[OwnAccount]:
    """What no driver holds; to be claimed one by one."""
    return [_own_account(row) for row in await executor.fetch(sql.DUE_OWN_ACCOUNTS, now, limit)]


async def claim(executor: Executor, due: OwnAccount, lease_end: datetime) -> OwnAccount | None:
    """Lease it, an attempt more; None where another worker was there before."""
    values = (due.account_id, due.own_account_id, due.next_try_time, lease_end)
    row = await executor.fetch_row(sql.CLAIM_OWN_ACCOUNT, *values)
    return _own_account(row) if row else None


async def list_stalled(executor: Executor, limit: int) -> list[OwnAccount]:
    """What was given up, the oldest first."""
    return [_own_account(row) for row in await executor.fetch(sql.LIST_STALLED, limit)]


async def retry_stalled(executor: Executor, account_id: UUID, own_account_id: UUID, now: datetime) -> bool:
    """Let workers take up what was given up; False where it was not."""
    return await executor.fetch_value(sql.RETRY_STALLED, account_id, own_account_id, now) is not None


async def end_profile_streams(executor: Executor, account_id: UUID, profile_id: UUID, now: datetime) -> None:
    """Free every slot of a profile that has left the account."""
    await executor.execute(sql.END_PROFILE_STREAMS, account_id, profile_id, now)


async def keep_transfer(executor: Executor, account_id: UUID, transfer: Transfer) -> None:
    """Keep what an owner is asked about; does nothing where it is kept."""
    values = (transfer.challenge_id, transfer.profile_id, transfer.device_id, transfer.expire_time)
    await executor.execute(sql.UPSERT_TRANSFER, account_id, *values)


async def find_transfers(executor: Executor, account_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Transfer]:
    """What owners are asked about, by the question's id; those that are unknown are left out."""
    rows = await executor.fetch(sql.FIND_TRANSFERS, account_id, list(ids))
    return {row["challenge_id"]: _transfer(row) for row in rows}


async def agree(executor: Executor, account_id: UUID, challenge_id: UUID, now: datetime) -> None:
    """The owner's yes was brought."""
    await executor.execute(sql.AGREE_TRANSFER, account_id, challenge_id, now)


def _transfer(row: Record) -> Transfer:
    return Transfer(
        challenge_id=row["challenge_id"],
        profile_id=row["profile_id"],
        device_id=row["device_id"],
        agreed=row["agree_time"] is not None,
        expire_time=row["expire_time"],
    )


def _own_account(row: Record) -> OwnAccount:
    return OwnAccount(
        account_id=row["account_id"],
        own_account_id=row["own_account_id"],
        target_account_id=row["target_account_id"],
        profile_id=row["profile_id"],
        profile_name=row["profile_name"],
        device_id=row["device_id"],
        challenge_id=row["challenge_id"],
        owner_agreed=row["owner_agreed"],
        state=OwnAccountState(row["state"]),
        step=Step(row["step"]) if row["step"] else None,
        undone_by=Side(row["undone_by"]) if row["undone_by"] else None,
        client=row["client"],
        attempts=row["attempts"],
        failure=row["failure"],
        next_try_time=row["next_try_time"],
        create_time=row["create_time"],
        begin_time=row["begin_time"],
        done_time=row["done_time"],
        undo_time=row["undo_time"],
    )

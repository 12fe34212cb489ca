"""PINs of profiles in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.pin import ATTEMPTS, WINDOW
from services.identity.storage import own_account_sql as sql


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentAttempt:
    """An attempt that may be compared, and how many have been spent with it."""

    pin_hash: str = field(repr=False)
    attempts: int


async def put_pin(executor: Executor, account_id: UUID, profile_id: UUID, pin_hash: str, now: datetime) -> None:
    """A profile's PIN, in place of the one before."""
    await executor.execute(sql.PUT_PIN, account_id, profile_id, pin_hash, now)


async def delete_pin(executor: Executor, account_id: UUID, profile_id: UUID) -> None:
    """Take a profile's PIN away."""
    await executor.execute(sql.DELETE_PIN, account_id, profile_id)


async def spend_attempt(executor: Executor, account_id: UUID, profile_id: UUID, now: datetime) -> SpentAttempt | None:
    """One attempt; None where none is left, or there is no PIN."""
    values = (account_id, profile_id, now, now - WINDOW, ATTEMPTS)
    row = await executor.fetch_row(sql.SPEND_PIN_ATTEMPT, *values)
    return SpentAttempt(pin_hash=row["pin_hash"], attempts=row["attempts"]) if row else None


async def give_back(executor: Executor, account_id: UUID, profile_id: UUID) -> None:
    """Give an attempt back at which nothing was compared."""
    await executor.execute(sql.GIVE_PIN_ATTEMPT_BACK, account_id, profile_id)


async def clear_attempts(executor: Executor, account_id: UUID, profile_id: UUID, pin_hash: str) -> None:
    """Give all attempts back after a right PIN, unless it was changed meanwhile."""
    await executor.execute(sql.CLEAR_PIN_ATTEMPTS, account_id, profile_id, pin_hash)


async def attempts_since(executor: Executor, account_id: UUID, profile_id: UUID) -> datetime | None:
    """Since when attempts are counted; None without a PIN."""
    moment: datetime | None = await executor.fetch_value(sql.FIND_PIN_WINDOW, account_id, profile_id)
    return moment

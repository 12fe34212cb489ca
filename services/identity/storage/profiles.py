"""Profiles in the database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.domain.profile import Profile
from services.identity.storage import sql


async def list_profiles(executor: Executor, account_id: UUID) -> list[Profile]:
    """The profiles that stand in the account now, the owner's first."""
    return [profile_from_row(row) for row in await executor.fetch(sql.LIST_PROFILES, account_id)]


async def find_profile(executor: Executor, account_id: UUID, profile_id: UUID) -> Profile | None:
    """The profile, or the mark that it left (``moved_to`` is set)."""
    row = await executor.fetch_row(sql.FIND_PROFILE, account_id, profile_id)
    return profile_from_row(row) if row else None


async def count_profiles(executor: Executor, account_id: UUID) -> tuple[int, bool]:
    """How many profiles stand in the account, and whether one of them is the owner's."""
    row = await executor.fetch_row(sql.COUNT_PROFILES, account_id)
    return (row["profiles"], row["has_primary"]) if row else (0, False)


async def insert_profile(transaction: Executor, profile: Profile, now: datetime) -> None:
    """A new profile."""
    await transaction.execute(sql.INSERT_PROFILE, *_values(profile), now)


async def begin_move(
    executor: Executor, source: UUID, profile_id: UUID, target: UUID, *, owner_agreed: bool = False
) -> bool:
    """Bind the profile to the one account that it may move to; False where it may not move there."""
    tag = await executor.execute(sql.BEGIN_MOVE, source, profile_id, target, owner_agreed)
    return tag == "UPDATE 1"


async def move_in(transaction: Executor, profile: Profile, *, source: UUID, now: datetime) -> None:
    """Put a profile into the account it names; does nothing where it stands there, or stood there and went on."""
    await transaction.execute(sql.MOVE_IN, *_values(profile), now, source)


async def finish_move(executor: Executor, source: UUID, profile_id: UUID, target: UUID, now: datetime) -> None:
    """Mark the profile in its source as standing in the target."""
    await executor.execute(sql.FINISH_MOVE, source, profile_id, target, now)


def profile_from_row(row: Record) -> Profile:
    """The profile whose columns a row holds."""
    return Profile(
        profile_id=row["profile_id"],
        account_id=row["account_id"],
        name=row["name"],
        maturity_age=row["maturity_age"],
        primary=row["is_primary"],
        kids=row["kids"],
        moving_to=row["moving_to_account_id"],
        moved_to=row["moved_to_account_id"],
        pin_locked=row["pin_locked"],
    )


def _values(profile: Profile) -> tuple[UUID, UUID, str, int, bool, bool]:
    return (
        profile.account_id,
        profile.profile_id,
        profile.name,
        profile.maturity_age,
        profile.primary,
        profile.kids,
    )

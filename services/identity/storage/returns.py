"""Profiles that go back to where they came from, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.profile import Profile
from services.identity.storage import own_account_sql as sql


async def was_returned(executor: Executor, account_id: UUID, profile_id: UUID) -> bool:
    """Whether the profile went back from this account."""
    return bool(await executor.fetch_value(sql.WAS_RETURNED, account_id, profile_id))


async def take_home(executor: Executor, source: UUID, profile: Profile, target: UUID) -> bool:
    """Let the profile stand in its source as ``profile`` is; False where it neither went to the target nor goes."""
    values = (source, profile.profile_id, target, profile.name, profile.maturity_age)
    return await executor.execute(sql.TAKE_HOME, *values) == "UPDATE 1"


async def go_home(transaction: Executor, target: UUID, profile: Profile, source: UUID, now: datetime) -> bool:
    """Mark the profile in its target as gone back; False where it is marked already."""
    values = (target, profile.profile_id, source, profile.name, profile.maturity_age, profile.kids, now)
    return await transaction.fetch_value(sql.GO_HOME, *values) is not None


async def insert_fresh(transaction: Executor, profile: Profile, now: datetime) -> None:
    """The profile that is left in place of one that went back."""
    values = (profile.account_id, profile.profile_id, profile.name, profile.maturity_age, profile.primary, profile.kids)
    await transaction.execute(sql.INSERT_FRESH, *values, now)


async def release_address(transaction: Executor, hashes: Sequence[bytes], account_id: UUID) -> None:
    """Let an address be taken by another account."""
    await transaction.execute(sql.RELEASE_ADDRESS, list(hashes), account_id)

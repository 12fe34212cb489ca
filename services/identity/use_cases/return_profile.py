"""ReturnProfile: bring a profile back to the account that it had moved from.

As in MoveProfile each step changes one account and may be repeated: first the profile stands in its source again, then
it is marked as gone in the target, and what it leaves there is settled in the same transaction; an extra member's host
hears of an account that is closed by it after that. The mark stays: a straggling MoveProfile finds it, and does not
move the profile there again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.profile import Profile
from services.identity.storage import accounts, pins, profiles, returns
from services.identity.use_cases import audit
from services.identity.use_cases.changing_state import give_up
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_host, tell_members

_log = get_logger(__name__)


class LeftBehind(StrEnum):
    """What a profile that goes back leaves behind."""

    FRESH_PROFILE = "FRESH_PROFILE"
    CLOSED_IF_EMPTY = "CLOSED_IF_EMPTY"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnProfile:
    """A profile is to go back from ``target`` to ``source``, which it had moved from.

    ``spare``: a profile of the target that nobody has used, and that keeps it open for nobody.
    """

    source: UUID
    profile_id: UUID
    target: UUID
    left_behind: LeftBehind
    fresh_profile_id: UUID
    dry_run: bool
    spare: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """The profile as it stands now, and whether the account that it left is closed."""

    profile: Profile
    closed: bool


async def return_profile(command: ReturnProfile, *, identity: Identity) -> Returned:
    """The profile in its old place, also where that account has filled meanwhile; a dry run tells of a full one.

    A closed target gives it back as well, and is left a fresh one: it may be opened again. Raises NOT_FOUND where it
    stands in neither account; STATE_CONFLICT where it has left a source that is closed or pending, and in a dry run
    where the source is full, or the target is pending, or closed though it was to be closed by this.
    """
    there = await _standing(command.target, command.profile_id, identity)
    home = await _standing(command.source, command.profile_id, identity)
    profile = there or home
    if profile is None:
        raise not_found("profile")
    if command.dry_run:
        await _check(command, is_there=there is not None, identity=identity)
        return Returned(profile=profile, closed=False)
    async with identity.database.transaction() as transaction:
        state = await accounts.lock_account(transaction, command.source)
        if home is None:
            # One that never left, or is back already, needs no open account to stay.
            _require_open(command.source, state)
        taken = await returns.take_home(transaction, command.source, profile, command.target)
        if not taken and home is None:
            raise not_found("profile")
        if taken:
            about = AuditKind.PROFILE_CAME_BACK
            await audit.record(transaction, command.source, about, identity=identity, object_id=profile.profile_id)
    closed = await _leave(command, profile, identity)
    if closed:
        await tell_members(command.target, identity)
        await tell_host(command.target, identity)
    _log.info("profile returned", profile_id=profile.profile_id, account_id=command.source, closed=closed)
    standing = await _standing(command.source, command.profile_id, identity)
    if standing is None:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the profile left again meanwhile")
    return Returned(profile=standing, closed=closed)


async def _standing(account_id: UUID, profile_id: UUID, identity: Identity) -> Profile | None:
    profile = await profiles.find_profile(identity.database, account_id, profile_id)
    return profile if profile is not None and profile.moved_to is None else None


async def _check(command: ReturnProfile, *, is_there: bool, identity: Identity) -> None:
    if not is_there:
        raise not_found("profile")
    for account_id in (command.source, command.target):
        account = await accounts.find_account(identity.database, account_id)
        state = account.state if account else None
        if account_id != command.target or not _gives_back_closed(command, state):
            _require_open(account_id, state)
    count, _ = await profiles.count_profiles(identity.database, command.source)
    if count >= identity.max_profiles:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {command.source} has no room for a profile")


def _gives_back_closed(command: ReturnProfile, state: AccountState | None) -> bool:
    return state is AccountState.CLOSED and command.left_behind is LeftBehind.FRESH_PROFILE


async def _leave(command: ReturnProfile, profile: Profile, identity: Identity) -> bool:
    """Mark the profile as gone back and settle what it leaves, together and once; whether the account is closed."""
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        state = await accounts.lock_account(transaction, command.target)
        if state is None:
            raise not_found("account")
        gone = await returns.go_home(transaction, command.target, profile, command.source, now)
        if gone and state is not AccountState.PENDING:
            await pins.delete_pin(transaction, command.target, command.profile_id)
            state = await _settle(transaction, command, profile, state, identity)
        if gone:
            about, details = AuditKind.PROFILE_WENT_BACK, {"closed": state is AccountState.CLOSED}
            await audit.record(
                transaction, command.target, about, identity=identity, object_id=command.profile_id, details=details
            )
    return state is AccountState.CLOSED


async def _settle(
    transaction: Executor, command: ReturnProfile, profile: Profile, state: AccountState, identity: Identity
) -> AccountState:
    now = identity.clock.now()
    others, has_primary = await profiles.count_profiles(transaction, command.target)
    closes = command.left_behind is LeftBehind.CLOSED_IF_EMPTY and state.open
    if closes and others <= await _spare(transaction, command):
        await give_up(transaction, command.target, state, identity=identity)
        return AccountState.CLOSED
    fresh = replace(
        profile,
        account_id=command.target,
        profile_id=command.fresh_profile_id,
        primary=not has_primary and not profile.kids,
    )
    await returns.insert_fresh(transaction, fresh, now)
    return state


async def _spare(transaction: Executor, command: ReturnProfile) -> int:
    """How many of the target's profiles keep it open for nobody: one at most, unless somebody has locked it."""
    if command.spare is None:
        return 0
    profile = await profiles.find_profile(transaction, command.target, command.spare)
    return int(profile is not None and profile.moved_to is None and not profile.pin_locked)


def _require_open(account_id: UUID, state: AccountState | None) -> None:
    if state is None:
        raise not_found("account")
    if not state.open:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is {state}")

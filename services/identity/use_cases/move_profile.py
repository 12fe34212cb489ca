"""MoveProfile: move a profile to another account, in steps that each change one account and may be repeated.

First the source binds the profile to its one target, then the copy is put into the target, last the source is marked.
A crash in between leaves a move that the next call with the same arguments completes; a second target is refused from
the first step on, so no profile ends up in two accounts.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.profile import Profile, check_movable
from services.identity.storage import accounts, profiles, returns
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, max_profiles_of

_log = get_logger(__name__)


async def move_profile(
    *, source: UUID, profile_id: UUID, target: UUID, dry_run: bool, owner_agreed: bool = False, identity: Identity
) -> Profile:
    """The profile as it stands after the move, or would.

    With ``dry_run`` the target need not be there yet. Raises NOT_FOUND; STATE_CONFLICT for a profile that must stay
    (a child's or a locked one unless ``owner_agreed``), a target that is not open or full, and one from which the
    profile has gone back; INVALID_FIELD for a target that is the source.
    """
    if source == target and not dry_run:
        raise invalid_field("target_account_id", "must be another account than the source")
    profile = await profiles.find_profile(identity.database, source, profile_id)
    if profile is None or profile.moved_to not in (None, target):
        raise not_found("profile")
    if profile.moved_to == target:
        return await _standing(target, profile_id, identity)
    check_movable(profile, target, owner_agreed=owner_agreed)
    if await returns.was_returned(identity.database, target, profile_id):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"profile {profile_id} went back from there")
    if dry_run:
        return await _as_it_would_stand(identity.database, profile, target, identity)
    _check_open(target, await _state_of(target, identity))
    await _as_it_would_stand(identity.database, profile, target, identity)
    return await _move(profile, target, owner_agreed, identity)


async def _move(profile: Profile, target: UUID, owner_agreed: bool, identity: Identity) -> Profile:
    source, profile_id = profile.account_id, profile.profile_id
    if not await profiles.begin_move(identity.database, source, profile_id, target, owner_agreed=owner_agreed):
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail=f"profile {profile_id} changed meanwhile")
    async with identity.database.transaction() as transaction:
        _check_open(target, await accounts.lock_account(transaction, target))
        arriving = await _as_it_would_stand(transaction, profile, target, identity)
        await profiles.move_in(transaction, arriving, source=source, now=identity.clock.now())
        await audit.record(transaction, target, AuditKind.PROFILE_MOVED_IN, identity=identity, object_id=profile_id)
    async with identity.database.transaction() as transaction:
        await profiles.finish_move(transaction, source, profile_id, target, identity.clock.now())
        await audit.record(transaction, source, AuditKind.PROFILE_MOVED_OUT, identity=identity, object_id=profile_id)
    _log.info("profile moved", profile_id=profile_id, account_id=source, target_account_id=target)
    return await _standing(target, profile_id, identity)


async def _standing(account_id: UUID, profile_id: UUID, identity: Identity) -> Profile:
    profile = await profiles.find_profile(identity.database, account_id, profile_id)
    if profile is None or profile.moved_to is not None:
        raise not_found("profile")
    return profile


async def _as_it_would_stand(executor: Executor, profile: Profile, target: UUID, identity: Identity) -> Profile:
    """The profile in its target: the owner's own there when it is the first. Raises STATE_CONFLICT for a full one."""
    there = await profiles.find_profile(executor, target, profile.profile_id)
    if there is not None and there.moved_to is None:
        return there
    count, has_primary = await profiles.count_profiles(executor, target)
    if count >= await max_profiles_of(executor, target, identity):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {target} has no room for a profile")
    primary = not has_primary and not profile.kids
    return replace(profile, account_id=target, primary=primary, moving_to=None, pin_locked=False)


async def _state_of(account_id: UUID, identity: Identity) -> AccountState | None:
    account = await accounts.find_account(identity.database, account_id)
    return account.state if account else None


def _check_open(account_id: UUID, state: AccountState | None) -> None:
    if state is None:
        raise not_found("account")
    if not state.open:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is {state}")

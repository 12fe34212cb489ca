"""CreateProfile: add a profile to an account."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.profile import Profile, clean_name
from services.identity.storage import profiles
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account, max_profiles_of

_log = get_logger(__name__)


async def create_profile(
    *, request_id: UUID, account_id: UUID, name: str, maturity_age: int, kids: bool, identity: Identity
) -> Profile:
    """Add a profile, or answer with the one that the request id made before, as it stands now.

    Raises INVALID_FIELD on ``name``; NOT_FOUND unless the account is active or on hold; REQUEST_ID_REUSED;
    LIMIT_EXCEEDED when the account has as many as it may have.
    """
    shown = clean_name(name, "name")
    method = "CreateProfile"
    fingerprints = identity.keys.fingerprints(method, shown, str(maturity_age), str(kids))
    key = RequestKey(request_id=request_id, method=method, fingerprints=fingerprints)
    now, profile_id = identity.clock.now(), identity.ids.new()
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        made_id = await claim_request(transaction, key, account_id=account_id, made_id=profile_id, now=now)
        if made_id == profile_id:
            count, has_primary = await profiles.count_profiles(transaction, account_id)
            most = await max_profiles_of(transaction, account_id, identity)
            if count >= most:
                raise _limit_exceeded(most)
            profile = Profile(
                profile_id=profile_id,
                account_id=account_id,
                name=shown,
                maturity_age=maturity_age,
                primary=not has_primary and not kids,
                kids=kids,
            )
            await profiles.insert_profile(transaction, profile, now)
            about = AuditKind.PROFILE_CREATED
            await audit.record(transaction, account_id, about, identity=identity, object_id=profile_id)
    if made_id != profile_id:
        return await _repeat(account_id, made_id, identity)
    _log.info("profile created", account_id=account_id, profile_id=profile_id)
    return profile


def _limit_exceeded(max_profiles: int) -> ServiceError:
    metadata = {"limit": "profiles", "max": str(max_profiles)}
    return ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="the account has all its profiles", metadata=metadata)


async def _repeat(account_id: UUID, profile_id: UUID, identity: Identity) -> Profile:
    profile = await profiles.find_profile(identity.database, account_id, profile_id)
    if profile is None:
        raise not_found("profile")
    return replace(profile, account_id=profile.moved_to or account_id)

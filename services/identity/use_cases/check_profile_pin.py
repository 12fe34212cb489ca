"""CheckProfilePin: whether it is the profile's PIN, for a bounded number of wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.identity.domain.pin import ATTEMPTS, WINDOW, check_pin
from services.identity.storage import pins, profiles
from services.identity.storage.pins import SpentAttempt
from services.identity.use_cases.context import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class PinCheck:
    """What came of it."""

    right: bool
    attempts_left: int


async def check_profile_pin(account_id: UUID, profile_id: UUID, pin: str, *, identity: Identity) -> PinCheck:
    """Spend an attempt, then compare; a right PIN gives all attempts back.

    Raises INVALID_FIELD; NOT_FOUND where the profile does not stand here or has no PIN; LIMIT_EXCEEDED; OVERLOADED.
    """
    check_pin(pin)
    database, now = identity.database, identity.clock.now()
    profile = await profiles.find_profile(database, account_id, profile_id)
    if profile is None or profile.moved_to is not None:
        raise not_found("profile")
    spent = await pins.spend_attempt(database, account_id, profile_id, now)
    if spent is None:
        raise await _no_attempt(account_id, profile_id, now, identity)
    if not await _is_right(account_id, profile_id, spent, pin, identity):
        return PinCheck(right=False, attempts_left=ATTEMPTS - spent.attempts)
    await pins.clear_attempts(database, account_id, profile_id, spent.pin_hash)
    return PinCheck(right=True, attempts_left=ATTEMPTS)


async def _is_right(account_id: UUID, profile_id: UUID, spent: SpentAttempt, pin: str, identity: Identity) -> bool:
    try:
        return await identity.passwords.verify(spent.pin_hash, pin)
    except ServiceError:
        await pins.give_back(identity.database, account_id, profile_id)
        raise


async def _no_attempt(account_id: UUID, profile_id: UUID, now: datetime, identity: Identity) -> ServiceError:
    since = await pins.attempts_since(identity.database, account_id, profile_id)
    if since is None:
        return not_found("PIN")
    return ServiceError(
        ErrorReason.LIMIT_EXCEEDED,
        detail="wrong PINs of a profile",
        metadata={"limit": "profile_pin", "max": str(ATTEMPTS)},
        retry_after=max(since + WINDOW - now, timedelta(seconds=1)),
    )

"""SetProfilePin: lock a profile with a PIN, or take the PIN away."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.pin import check_pin
from services.identity.domain.profile import Profile
from services.identity.storage import pins, profiles
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


async def set_profile_pin(account_id: UUID, profile_id: UUID, pin: str, *, identity: Identity) -> Profile:
    """The profile with its new PIN; an empty one takes it away.

    Raises INVALID_FIELD; NOT_FOUND unless the profile stands in an open account; OVERLOADED.
    """
    pin_hash = await identity.passwords.hash(check_pin(pin)) if pin else ""
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        profile = await profiles.find_profile(transaction, account_id, profile_id)
        if profile is None or profile.moved_to is not None:
            raise not_found("profile")
        if pin_hash:
            await pins.put_pin(transaction, account_id, profile_id, pin_hash, identity.clock.now())
        else:
            await pins.delete_pin(transaction, account_id, profile_id)
        about = AuditKind.PROFILE_PIN_SET if pin_hash else AuditKind.PROFILE_PIN_REMOVED
        await audit.record(transaction, account_id, about, identity=identity, object_id=profile_id)
    _log.info("profile PIN set", account_id=account_id, profile_id=profile_id, locked=bool(pin_hash))
    return replace(profile, pin_locked=bool(pin_hash))

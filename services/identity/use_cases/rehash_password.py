"""Put a hash of today's parameters in the place of an older one, beside a sign-in that had the right password."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.identity.storage import credentials
from services.identity.use_cases.context import Identity

_log = get_logger(__name__)


async def rehash_password(account_id: UUID, old_hash: str, normalized: str, *, identity: Identity) -> None:
    """Replace ``old_hash`` where it is still the account's. Raises nothing: the next sign-in finds it again.

    It takes only what others leave: where sign-ins begin to wait it is not done.
    """
    try:
        new_hash = await identity.passwords.hash(normalized, spare=True)
        replaced = await credentials.replace_password_hash(identity.database, account_id, old_hash, new_hash)
    except ServiceError as error:
        if error.reason is not ErrorReason.OVERLOADED:
            _log.warning("credential not renewed", account_id=account_id, reason=str(error.reason))
        return
    _log.info("credential renewed", account_id=account_id, replaced=replaced)

"""RemoveContact: the owner is no longer reached by texts."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel
from services.identity.storage import contact_changes
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.reauthentication import reauthenticate

_log = get_logger(__name__)


async def remove_contact(account_id: UUID, channel: Channel, password: str, *, identity: Identity) -> bool:
    """Whether there was one; a change of it that waits is gone as well.

    Raises CREDENTIALS_REJECTED, NOT_FOUND, OVERLOADED.
    """
    assert channel is not Channel.EMAIL, "the contract lets nobody remove the name to sign in with"
    await reauthenticate(account_id, password, identity=identity)
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        waiting = await contact_changes.find_waiting(transaction, identity.keys, account_id, channel)
        if waiting is not None:
            await contact_changes.delete_waiting(transaction, waiting)
        removed = await contact_changes.delete_contact(transaction, account_id, channel)
        if removed:
            about = AuditKind.CONTACT_REMOVED
            await audit.record(transaction, account_id, about, identity=identity, details={"channel": channel})
    _log.info("contact removed", account_id=account_id, channel=channel, removed=removed)
    return removed

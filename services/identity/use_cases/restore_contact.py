"""RestoreContact: give an account its former email address back, after a change that was not its owner's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.contact import Channel
from services.identity.domain.contact_change import ContactChange
from services.identity.storage import contact_changes
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.put_contact import replace_waiting
from services.identity.use_cases.verify_contact import VerifiedContact, verify_contact

_log = get_logger(__name__)


async def restore_contact(account_id: UUID, *, identity: Identity) -> VerifiedContact:
    """The address that stood before the first change within the days; every session ends with its return.

    A repeat completes what was begun, or is answered as it stands. Raises NOT_FOUND when nothing is kept;
    STATE_CONFLICT where somebody else has the address by now.
    """
    contact_id = await _begin(account_id, identity)
    restored = await verify_contact(account_id, contact_id, identity=identity)
    _log.info("contact restored", account_id=account_id, sessions_ended=restored.ended_sessions)
    return restored


async def _begin(account_id: UUID, identity: Identity) -> UUID:
    """The change that gives it back, begun now or by an earlier call."""
    now = identity.clock.now()
    since = now - identity.former_contacts_kept
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        if begun := await _begun(transaction, account_id, since, identity):
            return begun.contact_id
        undone = await contact_changes.find_restorable(transaction, identity.keys, account_id, since)
        if undone is None:
            raise not_found("former address")
        change = ContactChange(
            account_id=account_id,
            contact_id=identity.ids.new(),
            channel=Channel.EMAIL,
            destination=undone.former,
            restoring=True,
            create_time=now,
        )
        await replace_waiting(transaction, change, identity)
    return change.contact_id


async def _begun(transaction: Executor, account_id: UUID, since: datetime, identity: Identity) -> ContactChange | None:
    waiting = await contact_changes.find_waiting(transaction, identity.keys, account_id, Channel.EMAIL)
    if waiting is not None and waiting.restoring:
        return waiting
    latest = await contact_changes.find_latest(transaction, identity.keys, account_id, since)
    return latest if latest is not None and latest.restoring else None

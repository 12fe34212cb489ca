"""VerifyContact: the owner receives at the new address or number; from now on it is the account's."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel, Contact
from services.identity.domain.contact_change import ContactChange, replaced_by
from services.identity.domain.session import EndReason
from services.identity.storage import accounts, contact_changes, sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedContact:
    """The contact as it stands; ``former``: the verified destination whose place it took, if any."""

    contact: Contact
    former: str = field(repr=False)
    language: str
    ended_sessions: int = 0


async def verify_contact(account_id: UUID, contact_id: UUID, *, identity: Identity) -> VerifiedContact:
    """Claim the new address, put it in use, release the old one: three steps, each committed and each repeatable.

    Cut short after the first, both addresses lead to the account; after the second, both still do. The same call
    completes it, and a change that takes this one's place takes its claim back. Each step holds the account, so what
    it looks at stands still. Raises NOT_FOUND; STATE_CONFLICT for an address of another account.
    """
    await _claim(account_id, contact_id, identity)
    ended = await _put_in_use(account_id, contact_id, identity)
    change, contact = await _release(account_id, contact_id, identity)
    account = await accounts.find_account(identity.database, account_id)
    _log.info("contact verified", account_id=account_id, contact_id=contact_id, channel=change.channel)
    language = account.language if account else ""
    return VerifiedContact(contact=contact, former=change.former, language=language, ended_sessions=ended)


async def _claim(account_id: UUID, contact_id: UUID, identity: Identity) -> None:
    async with identity.database.transaction() as transaction:
        change = await _held_change(transaction, account_id, contact_id, identity)
        if change.done or change.channel is not Channel.EMAIL:
            return
        hashes = identity.keys.email_hashes(change.destination)
        if not await accounts.claim_address(transaction, hashes, account_id):
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"new address of account {account_id} is another's")
        await contact_changes.mark_claimed(transaction, change, identity.clock.now())


async def _put_in_use(account_id: UUID, contact_id: UUID, identity: Identity) -> int:
    """How many sessions ended: none, unless a former address was given back."""
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        change = await _held_change(transaction, account_id, contact_id, identity)
        if change.done:
            return 0
        former = replaced_by(change, await _present(transaction, change, identity))
        await contact_changes.put_in_use(transaction, identity.keys, change, former, now)
        ended = 0
        if change.restoring:
            ended = await sessions.end_all_sessions(transaction, account_id, EndReason.SIGNED_OUT_EVERYWHERE, now)
        about = AuditKind.CONTACT_RESTORED if change.restoring else AuditKind.CONTACT_VERIFIED
        await audit.record(transaction, account_id, about, identity=identity, details={"channel": change.channel})
        return ended


async def _release(account_id: UUID, contact_id: UUID, identity: Identity) -> tuple[ContactChange, Contact]:
    async with identity.database.transaction() as transaction:
        change = await _held_change(transaction, account_id, contact_id, identity)
        if change.former and change.channel is Channel.EMAIL:
            await contact_changes.release_unused(transaction, identity.keys, account_id, change.former)
        contact = await _present(transaction, change, identity)
    if contact is None:
        raise not_found("contact")
    return change, contact


async def _held_change(transaction: Executor, account_id: UUID, contact_id: UUID, identity: Identity) -> ContactChange:
    await hold_open_account(transaction, account_id)
    change = await contact_changes.find_change(transaction, identity.keys, account_id, contact_id)
    if change is None:
        raise not_found("contact change")
    return change


async def _present(transaction: Executor, change: ContactChange, identity: Identity) -> Contact | None:
    contacts = await accounts.list_contacts(transaction, identity.keys, change.account_id)
    return next((each for each in contacts if each.channel is change.channel), None)

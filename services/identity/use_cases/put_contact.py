"""PutContact: keep a new address or number of the owner, which is not in use before it is proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel, normalize
from services.identity.domain.contact_change import ContactChange
from services.identity.storage import accounts, contact_changes
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.reauthentication import reauthenticate

_log = get_logger(__name__)
_METHOD = "PutContact"


@dataclass(frozen=True, kw_only=True, slots=True)
class PutContact:
    """What the owner wants, as it came."""

    request_id: UUID
    account_id: UUID
    channel: Channel
    destination: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingContact:
    """A change that waits for its proof. ``taken``: the address is another account's, whose owner alone is told."""

    contact_id: UUID
    destination: str = field(repr=False)
    taken: bool
    language: str


async def put_contact(command: PutContact, *, identity: Identity) -> WaitingContact:
    """Keep the change in place of an earlier one of the channel; a taken address costs the same work.

    Raises INVALID_FIELD on ``destination``, CREDENTIALS_REJECTED, NOT_FOUND, REQUEST_ID_REUSED, OVERLOADED.
    """
    destination = normalize(command.channel, command.destination)
    account = await reauthenticate(command.account_id, command.password, identity=identity)
    change = ContactChange(
        account_id=command.account_id,
        contact_id=identity.ids.new(),
        channel=command.channel,
        destination=destination,
        create_time=identity.clock.now(),
    )
    # The password is no part of the request: it was checked, whatever comes of the rest.
    fingerprints = identity.keys.fingerprints(_METHOD, command.channel, destination)
    key = RequestKey(request_id=command.request_id, method=_METHOD, fingerprints=fingerprints)
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, command.account_id)
        contact_id = await claim_request(
            transaction, key, account_id=command.account_id, made_id=change.contact_id, now=change.create_time
        )
        if contact_id == change.contact_id:
            await replace_waiting(transaction, change, identity)
        taken = await _is_taken(transaction, change, identity)
        if contact_id == change.contact_id:
            details = {"channel": change.channel}
            await audit.record(
                transaction, change.account_id, AuditKind.CONTACT_PUT, identity=identity, details=details
            )
    _log.info("contact put", account_id=command.account_id, contact_id=contact_id, channel=command.channel)
    return WaitingContact(contact_id=contact_id, destination=destination, taken=taken, language=account.language)


async def replace_waiting(transaction: Executor, change: ContactChange, identity: Identity) -> None:
    """Let the change wait, and the channel's earlier one no more; the account must be held."""
    earlier = await contact_changes.find_waiting(transaction, identity.keys, change.account_id, change.channel)
    await contact_changes.forget_old(transaction, change.account_id, change.create_time - identity.former_contacts_kept)
    if earlier is not None:
        await contact_changes.delete_waiting(transaction, earlier)
    await contact_changes.insert_change(transaction, identity.keys, change)
    if earlier is not None and earlier.claimed:
        await contact_changes.release_unused(transaction, identity.keys, change.account_id, earlier.destination)


async def _is_taken(transaction: Executor, change: ContactChange, identity: Identity) -> bool:
    if change.channel is not Channel.EMAIL:
        return False
    holder = await accounts.find_address(transaction, identity.keys.email_hashes(change.destination))
    return holder not in (None, change.account_id)

"""ActivateAccount: make a pending account usable, once its address is verified."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel
from services.identity.domain.membership import MembershipState
from services.identity.domain.profile import Profile
from services.identity.storage import accounts, erasures, profiles
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.taking_places import require_place, take_place

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivatedAccount:
    """The account with its profiles."""

    account: Account
    profiles: list[Profile]


async def activate_account(account_id: UUID, *, identity: Identity) -> ActivatedAccount:
    """Give the account its address and let it be used; an active one is answered as it stands.

    A member's takes its place after that. Raises NOT_FOUND; STATE_CONFLICT for a closed account or one that is to be
    erased, and where the address is another's or the invitation is over.
    """
    await require_place(account_id, identity)
    async with identity.database.transaction() as transaction:
        standing = await erasures.lock_standing(transaction, account_id)
        state = standing.state if standing else None
        if standing is not None and standing.to_be_erased:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is to be erased")
        if state is AccountState.PENDING:
            await _claim_address(transaction, account_id, identity)
            await accounts.activate_account(transaction, account_id, identity.clock.now())
            for kind in (AuditKind.CONTACT_VERIFIED, AuditKind.ACCOUNT_ACTIVATED):
                await audit.record(transaction, account_id, kind, identity=identity, details={"channel": Channel.EMAIL})
        elif state is AccountState.CLOSED:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is closed")
        account = await accounts.find_account(transaction, account_id)
        if account is None:
            raise not_found("account")
        present = await profiles.list_profiles(transaction, account_id)
    if state is AccountState.PENDING:
        _log.info("account activated", account_id=account_id)
    if account.membership is not None and account.membership.state is MembershipState.PENDING:
        account = await take_place(account_id, account.membership, identity)
    return ActivatedAccount(account=account, profiles=present)


async def _claim_address(transaction: Executor, account_id: UUID, identity: Identity) -> None:
    account = await accounts.find_account(transaction, account_id)
    contacts = await accounts.list_contacts(transaction, identity.keys, account_id)
    hashes = [
        email_hash
        for contact in contacts
        if contact.channel is Channel.EMAIL
        for email_hash in identity.keys.email_hashes(contact.destination)
    ]
    taken = account is None or account.email_taken or not hashes
    if taken or not await accounts.claim_address(transaction, hashes, account_id):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the address of account {account_id} is another's")

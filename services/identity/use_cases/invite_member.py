"""InviteMember: keep one of the plan's slots for somebody by address."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel, email_key, normalize_email
from services.identity.domain.membership import (
    INVITATION_LIFE,
    MAX_INVITATIONS,
    MAX_TOKENS,
    InvitationToken,
    Place,
    PlaceState,
    first_free_slot,
    new_invitation_token,
)
from services.identity.storage import accounts, members
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Invited:
    """The place, a token that opens it (None once there is nothing to open), and the address in normal form."""

    place: Place
    token: InvitationToken | None = field(repr=False)
    email: str = field(repr=False)


async def invite_member(*, request_id: UUID, account_id: UUID, email: str, identity: Identity) -> Invited:
    """Keep a slot, or answer with the one that the request id kept before, with a further token.

    The account's row is held meanwhile, so that two invitations never share the last slot. Raises INVALID_FIELD on
    ``email``, NOT_FOUND, REQUEST_ID_REUSED, STATE_CONFLICT, LIMIT_EXCEEDED.
    """
    address = normalize_email(email)
    method = "InviteMember"
    fingerprints = identity.keys.fingerprints(method, email_key(address))
    key = RequestKey(request_id=request_id, method=method, fingerprints=fingerprints)
    now, member_id = identity.clock.now(), identity.ids.new()
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        made_id = await claim_request(transaction, key, account_id=account_id, made_id=member_id, now=now)
        if made_id == member_id:
            await _keep(transaction, account_id, member_id, address, now, identity)
            about = AuditKind.MEMBER_INVITED
            await audit.record(transaction, account_id, about, identity=identity, object_id=member_id)
        place = await members.find_place(transaction, identity.keys, account_id, made_id)
        if place is None:
            raise not_found("member")
        token = await _further_token(transaction, place, now) if place.state is PlaceState.INVITED else None
    if made_id == member_id:
        _log.info("member invited", account_id=account_id, member_id=member_id)
    return Invited(place=place, token=token, email=address)


async def _keep(
    transaction: Executor, account_id: UUID, member_id: UUID, address: str, now: datetime, identity: Identity
) -> None:
    await members.expire_places(transaction, account_id, now)
    account = await accounts.find_account(transaction, account_id)
    if account is None:
        raise not_found("account")
    await _check(transaction, account, address, identity)
    places = await members.list_places(transaction, identity.keys, account_id)
    if any(place.is_for(address) for place in places):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the address was invited already")
    await _check_often(transaction, account.account_id, now)
    slot = first_free_slot({place.slot for place in places}, account.plan.extra_member_slots)
    if slot is None:
        metadata = {"limit": "extra_members", "max": str(account.plan.extra_member_slots)}
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="no slot is free", metadata=metadata)
    place = Place(
        account_id=account_id,
        member_id=member_id,
        slot=slot,
        state=PlaceState.INVITED,
        email=address,
        member_account_id=None,
        invite_time=now,
        expire_time=now + INVITATION_LIFE,
        accept_time=None,
    )
    await members.insert_place(transaction, identity.keys, place)


async def _check(transaction: Executor, account: Account, address: str, identity: Identity) -> None:
    if account.effective_state is not AccountState.ACTIVE:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account is {account.effective_state}")
    contacts = await accounts.list_contacts(transaction, identity.keys, account.account_id)
    own = {email_key(contact.destination) for contact in contacts if contact.channel is Channel.EMAIL}
    if email_key(address) in own:
        raise invalid_field("email", "is the account's own address")


async def _check_often(transaction: Executor, account_id: UUID, now: datetime) -> None:
    if await members.count_invited_since(transaction, account_id, now - INVITATION_LIFE) >= MAX_INVITATIONS:
        metadata = {"limit": "invitations", "max": str(MAX_INVITATIONS)}
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="invited too often", metadata=metadata)


async def _further_token(transaction: Executor, place: Place, now: datetime) -> InvitationToken | None:
    """Each repeat gets a token of its own, as none is kept; the one that a mail went out with holds as well."""
    if not place.held(now):
        return None
    if await members.count_tokens(transaction, place.account_id, place.member_id) >= MAX_TOKENS:
        metadata = {"limit": "invitation_tokens", "max": str(MAX_TOKENS)}
        raise ServiceError(ErrorReason.LIMIT_EXCEEDED, detail="repeated too often", metadata=metadata)
    token = new_invitation_token(place.account_id)
    await members.insert_token(transaction, token, place.member_id)
    return token

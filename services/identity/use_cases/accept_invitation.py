"""AcceptInvitation: an account without a plan of its own takes the place of an invitation."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.identity.domain.account import Account
from services.identity.domain.contact import Channel
from services.identity.domain.membership import EXTRA_MEMBER_PLAN_ID, MembershipState
from services.identity.storage import accounts, members
from services.identity.use_cases.context import Identity, hold_open_account
from services.identity.use_cases.taking_places import find_invited, require_takeable, take_place


async def accept_invitation(account_id: UUID, token: str, *, identity: Identity) -> Account:
    """The account as a member's. Raises NOT_FOUND; STATE_CONFLICT where it has a plan of its own, or a host."""
    contacts = await accounts.list_contacts(identity.database, identity.keys, account_id)
    email = next((each.destination for each in contacts if each.channel is Channel.EMAIL), "")
    invited = await find_invited(token, email, identity)
    require_takeable(invited, account_id, identity.clock.now())
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        account = await accounts.find_account(transaction, account_id)
        if account is None:
            raise not_found("account")
        if account.plan.plan_id != EXTRA_MEMBER_PLAN_ID:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the account has a plan of its own")
        await members.put_membership(transaction, account_id, invited)
        membership = await members.find_membership(transaction, account_id)
    if membership is None or membership.member_id != invited.place.member_id:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the account is another host's member")
    if membership.state is MembershipState.REMOVED:
        raise not_found("invitation")
    return await take_place(account_id, membership, identity)

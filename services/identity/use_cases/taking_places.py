"""How an invited person's account takes the place that was kept for it.

First the account notes which place it is to take, then the host's place is bound to it, then the account hears that it
is a member. Each step changes one account and may be repeated; until the last one the account is ON_HOLD.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.membership import Membership, MembershipState, parse_invitation_token
from services.identity.storage import accounts, members
from services.identity.storage.members import InvitedPlace
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def find_invited(token: str, email: str, identity: Identity) -> InvitedPlace:
    """The place that a token opens for this address, whatever became of it. Raises NOT_FOUND for any other address."""
    parsed = parse_invitation_token(token)
    found = await members.find_invited_place(identity.database, identity.keys, parsed) if parsed else None
    if found is None or not found.place.is_for(email):
        raise not_found("invitation")
    return found


def require_takeable(invited: InvitedPlace, member_account_id: UUID | None, now: datetime) -> None:
    """Raise NOT_FOUND for an invitation that was used, has run out, or whose host is not in good order."""
    if invited.host_state is not AccountState.ACTIVE or not invited.place.may_be_taken(now, member_account_id):
        raise not_found("invitation")


async def require_place(account_id: UUID, identity: Identity) -> None:
    """Before an account is made usable: if it is to take a place, that must still be there. Raises STATE_CONFLICT."""
    membership = await members.find_membership(identity.database, account_id)
    if membership is None or membership.state is not MembershipState.PENDING:
        return
    host_id, member_id = membership.host_account_id, membership.member_id
    place = await members.find_place(identity.database, identity.keys, host_id, member_id)
    if place is None or not place.may_be_taken(identity.clock.now(), account_id):
        raise _over(account_id)


async def take_place(account_id: UUID, membership: Membership, identity: Identity) -> Account:
    """Bind the place to the account and let it hear; the account as it stands then. Raises STATE_CONFLICT."""
    host_id, member_id, now = membership.host_account_id, membership.member_id, identity.clock.now()
    async with identity.database.transaction() as transaction:
        # Held, so that a host whose state is being changed either sees its new member or refuses it.
        await accounts.lock_account(transaction, host_id)
        taken = await members.take_place(transaction, host_id, member_id, account_id, now)
        if taken:
            about = AuditKind.MEMBER_JOINED
            await audit.record(transaction, host_id, about, identity=identity, object_id=member_id)
    if not taken:
        place = await members.find_place(identity.database, identity.keys, host_id, member_id)
        if place is None or place.member_account_id != account_id:
            raise _over(account_id)
    await tell_members(host_id, identity)
    account = await accounts.find_account(identity.database, account_id)
    if account is None:
        raise not_found("account")
    _log.info("membership accepted", account_id=host_id, member_id=member_id, member_account_id=account_id)
    return account


def _over(account_id: UUID) -> ServiceError:
    return ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the invitation of account {account_id} is over")

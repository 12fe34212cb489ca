"""What a host's members and a member's host have to hear of one another, each step within one account.

A change is marked as untold in the transaction that makes it. Telling reads the marks, changes the other account, and
takes the mark off; a version that grows keeps a late telling from undoing a newer one. So it may be cut short anywhere
and done again by anybody: by the next call for the account, or by the upkeep.
"""

from __future__ import annotations

from uuid import UUID

from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.membership import MembershipState
from services.identity.storage import accounts, members
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity

_log = get_logger(__name__)


async def tell_members(account_id: UUID, identity: Identity) -> None:
    """Tell a host's members what they have not heard: its state, its picture, the end of their membership."""
    for untold in await members.list_untold(identity.database, account_id):
        await members.tell_member(identity.database, untold)
        await members.mark_told(identity.database, account_id, untold)
        _log.info("member told", account_id=account_id, member_account_id=untold.member_account_id, state=untold.state)


async def tell_host(account_id: UUID, identity: Identity) -> None:
    """Free the place that an account left for a plan of its own."""
    membership = await members.find_membership(identity.database, account_id)
    if membership is None or membership.state is not MembershipState.REMOVED:
        return
    host_id, member_id, now = membership.host_account_id, membership.member_id, identity.clock.now()
    async with identity.database.transaction() as transaction:
        await accounts.lock_account(transaction, host_id)
        if await members.end_place(transaction, host_id, member_id, now, left=True):
            about = AuditKind.MEMBER_LEFT
            await audit.record(transaction, host_id, about, identity=identity, object_id=member_id)
    await members.mark_host_told(identity.database, account_id, member_id)

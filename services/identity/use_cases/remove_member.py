"""RemoveMember: end a membership or an invitation; the member's account hears of it in a second step."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.membership import Place
from services.identity.storage import accounts, members
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def remove_member(account_id: UUID, member_id: UUID, *, identity: Identity) -> Place:
    """The place, over; by the answer the member's account is on hold. A repeat finishes what broke off.

    Raises NOT_FOUND.
    """
    async with identity.database.transaction() as transaction:
        await accounts.lock_account(transaction, account_id)
        ended = await members.end_place(transaction, account_id, member_id, identity.clock.now(), left=False)
        place = await members.find_place(transaction, identity.keys, account_id, member_id)
        if place is None:
            raise not_found("member")
        if ended:
            about = AuditKind.MEMBER_REMOVED
            await audit.record(transaction, account_id, about, identity=identity, object_id=member_id)
    await tell_members(account_id, identity)
    _log.info("member removed", account_id=account_id, member_id=member_id)
    return place

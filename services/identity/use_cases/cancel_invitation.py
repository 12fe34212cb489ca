"""CancelInvitation: take an invitation back."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.identity.domain.audit import AuditKind
from services.identity.domain.membership import Place, PlaceState
from services.identity.storage import accounts, members
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity


async def cancel_invitation(account_id: UUID, member_id: UUID, *, identity: Identity) -> Place:
    """The invitation, over. Raises NOT_FOUND; STATE_CONFLICT where somebody has accepted it."""
    async with identity.database.transaction() as transaction:
        await accounts.lock_account(transaction, account_id)
        place = await members.find_place(transaction, identity.keys, account_id, member_id)
        if place is None:
            raise not_found("member")
        if place.state is PlaceState.ACTIVE:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the invitation was accepted")
        if await members.end_place(transaction, account_id, member_id, identity.clock.now(), left=False):
            about = AuditKind.INVITATION_CANCELLED
            await audit.record(transaction, account_id, about, identity=identity, object_id=member_id)
        ended = await members.find_place(transaction, identity.keys, account_id, member_id)
    assert ended is not None
    return ended

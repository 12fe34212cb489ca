"""ListMembers: an account's extra members and open invitations."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.membership import Place
from services.identity.storage import accounts, members
from services.identity.use_cases.context import Identity


async def list_members(account_id: UUID, *, identity: Identity) -> tuple[list[Place], int]:
    """Members and invitations that have not run out, oldest first, and the plan's slots. Raises NOT_FOUND."""
    account = await accounts.find_account(identity.database, account_id)
    if account is None:
        raise not_found("account")
    places = await members.list_places(identity.database, identity.keys, account_id)
    now = identity.clock.now()
    return [place for place in places if place.held(now)], account.plan.extra_member_slots

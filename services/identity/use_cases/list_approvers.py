"""ListApprovers: the second adults of an account."""

from __future__ import annotations

from uuid import UUID

from services.identity.domain.approver import Approver
from services.identity.storage import approvers
from services.identity.use_cases.context import Identity


async def list_approvers(account_id: UUID, *, identity: Identity) -> list[Approver]:
    """Oldest first, also those who have yet to prove themselves."""
    return await approvers.list_approvers(identity.database, identity.keys, account_id)

"""ReopenAccount: an account whose erasure was called off is what it was before."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.domain.audit import AuditKind
from services.identity.storage import erasures
from services.identity.use_cases import audit
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def reopen_account(account_id: UUID, fence: int, *, identity: Identity) -> None:
    """Let the account be what it was of its own; one that was not closed for an erasure, or is open, stays as it is.

    Raises NOT_FOUND; CONCURRENT_CHANGE for a turn of the erasure that was overtaken.
    """
    async with identity.database.transaction() as transaction:
        standing = await erasures.lock_standing(transaction, account_id)
        if standing is None:
            raise not_found("account")
        if standing.overtaken(fence):
            raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="a later turn of the erasure has been here")
        state = standing.own_state
        await erasures.mark(transaction, account_id, None, fence)
        if standing.to_be_erased and state is not AccountState.PENDING:
            await change_state(transaction, account_id, standing.state, state, identity=identity)
        if standing.before is not None:
            about, details = AuditKind.ERASURE_CALLED_OFF, {"state": state}
            await audit.record(transaction, account_id, about, identity=identity, details=details)
    await tell_members(account_id, identity)
    _log.info("account reopened", account_id=account_id, state=state)

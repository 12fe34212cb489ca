"""CloseAccount: nothing starts any more on an account that is to be erased, and nobody but its erasure opens it."""

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


async def close_account(account_id: UUID, fence: int, *, identity: Identity) -> int:
    """How many sessions ended by this. What the account is of its own, not by its host, is kept beside.

    A pending account stays pending, and can be completed no more. Raises NOT_FOUND; CONCURRENT_CHANGE for a turn of the
    erasure that was overtaken: it was called off meanwhile, or somebody else carries it on.
    """
    async with identity.database.transaction() as transaction:
        standing = await erasures.lock_standing(transaction, account_id)
        if standing is None:
            raise not_found("account")
        if standing.overtaken(fence):
            raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="a later turn of the erasure has been here")
        await erasures.mark(transaction, account_id, standing.own_state, fence)
        ended = 0
        if standing.state is not AccountState.PENDING:
            ended = await change_state(transaction, account_id, standing.state, AccountState.CLOSED, identity=identity)
        if not standing.to_be_erased:
            about, details = AuditKind.ERASURE_BEGUN, {"state_before": standing.own_state}
            await audit.record(transaction, account_id, about, identity=identity, details=details)
    await tell_members(account_id, identity)
    _log.info("account closed for its erasure", account_id=account_id, sessions_ended=ended)
    return ended

"""ReopenAccount: an account whose erasure was called off is open again."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.storage import accounts
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def reopen_account(account_id: UUID, *, on_hold: bool, identity: Identity) -> None:
    """Make it active, or put it on hold again. Raises NOT_FOUND; STATE_CONFLICT for a pending account."""
    async with identity.database.transaction() as transaction:
        before = await accounts.lock_account(transaction, account_id)
        if before is None:
            raise not_found("account")
        if before is AccountState.PENDING:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is pending")
        state = AccountState.ON_HOLD if on_hold else AccountState.ACTIVE
        await change_state(transaction, account_id, before, state, identity=identity)
    await tell_members(account_id, identity)
    _log.info("account reopened", account_id=account_id, state=state)

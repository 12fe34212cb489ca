"""CloseAccount: nothing starts any more on an account that is to be erased."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import AccountState
from services.identity.storage import accounts
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def close_account(account_id: UUID, *, identity: Identity) -> int:
    """How many sessions ended by this. A pending account stays pending: nobody can use it. Raises NOT_FOUND."""
    async with identity.database.transaction() as transaction:
        before = await accounts.lock_account(transaction, account_id)
        if before is None:
            raise not_found("account")
        if before is AccountState.PENDING:
            return 0
        ended = await change_state(transaction, account_id, before, AccountState.CLOSED, identity=identity)
    await tell_members(account_id, identity)
    _log.info("account closed for its erasure", account_id=account_id, sessions_ended=ended)
    return ended

"""SetAccountState: hold, reopen or close an account; its extra members hear of it in a second step.

That step is carried by rows that are marked in the first one, so a crash in between is mended by the next call for
the account and by the upkeep.
"""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, AccountState
from services.identity.storage import accounts
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def set_account_state(account_id: UUID, state: AccountState, *, identity: Identity) -> Account:
    """The account in its new state; closing it ends its sessions in the same transaction.

    Raises NOT_FOUND; STATE_CONFLICT for a pending account, which only a verified address makes usable.
    """
    async with identity.database.transaction() as transaction:
        before = await accounts.lock_account(transaction, account_id)
        if before is None:
            raise not_found("account")
        if before is AccountState.PENDING:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is pending")
        await change_state(transaction, account_id, before, state, identity=identity)
        account = await accounts.find_account(transaction, account_id)
    assert account is not None
    _log.info("account state set", account_id=account_id, state=state)
    await tell_members(account_id, identity)
    return account

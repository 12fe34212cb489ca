"""SetAccountState: hold, reopen or close an account; its extra members hear of it in a second step.

That step is carried by rows that are marked in the first one, so a crash in between is mended by the next call for
the account and by the upkeep.
"""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, AccountState
from services.identity.domain.erasure import Standing
from services.identity.storage import accounts, erasures
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_members

_log = get_logger(__name__)


async def set_account_state(account_id: UUID, state: AccountState, *, identity: Identity) -> Account:
    """The account in its new state; closing it ends its sessions in the same transaction.

    Raises NOT_FOUND; STATE_CONFLICT for a pending account, which only a verified address makes usable, and for one that
    is to be erased: that is called off first, by people who make sure of the owner. Only closing it is taken down even
    so, and holds if the erasure is called off.
    """
    async with identity.database.transaction() as transaction:
        standing = await erasures.lock_standing(transaction, account_id)
        if standing is None:
            raise not_found("account")
        _require_free(account_id, standing, state)
        if standing.to_be_erased:
            await erasures.mark(transaction, account_id, AccountState.CLOSED)
        await change_state(transaction, account_id, standing.own_state, state, identity=identity)
        account = await accounts.find_account(transaction, account_id)
    assert account is not None
    _log.info("account state set", account_id=account_id, state=state)
    await tell_members(account_id, identity)
    return account


def _require_free(account_id: UUID, standing: Standing, state: AccountState) -> None:
    if standing.state is AccountState.PENDING:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is pending")
    if standing.to_be_erased and state is not AccountState.CLOSED:
        raise ServiceError(
            ErrorReason.STATE_CONFLICT,
            detail=f"account {account_id} is to be erased; cancel its erasure first",
            metadata={"cause": "to_be_erased", "remedy": "CancelErasure"},
        )

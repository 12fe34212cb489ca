"""What goes with every change of an account's state, in the transaction that makes it."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.account import AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.session import EndReason
from services.identity.storage import accounts, members, sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity


async def change_state(
    transaction: Executor, account_id: UUID, before: AccountState, state: AccountState, *, identity: Identity
) -> int:
    """How many sessions ended: all, where it closes. Hold the account, and call tell_members after the transaction."""
    await accounts.set_account_state(transaction, account_id, state)
    await members.mark_untold(transaction, account_id)
    ended = 0
    if state is AccountState.CLOSED:
        now = identity.clock.now()
        ended = await sessions.end_all_sessions(transaction, account_id, EndReason.ACCOUNT_CLOSED, now)
    if before is not state:
        about = AuditKind.ACCOUNT_STATE_SET
        await audit.record(transaction, account_id, about, identity=identity, details={"state": state})
    return ended

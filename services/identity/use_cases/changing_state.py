"""What goes with every change of an account's state, in the transaction that makes it."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.account import AccountState
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel
from services.identity.domain.session import EndReason
from services.identity.storage import accounts, members, returns, sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity


async def change_state(
    transaction: Executor,
    account_id: UUID,
    before: AccountState,
    state: AccountState,
    *,
    identity: Identity,
    why: EndReason = EndReason.ACCOUNT_CLOSED,
) -> int:
    """How many sessions ended: all, where it closes. Hold the account, and call tell_members after the transaction.

    A closed member keeps its place on its host's plan, as closing can be undone. Its host may remove it; an erasure
    frees it, and so does the retention of closed accounts. Where there is no way back, see ``give_up``.
    """
    await accounts.set_account_state(transaction, account_id, state)
    await members.mark_untold(transaction, account_id)
    ended = 0
    if state is AccountState.CLOSED:
        now = identity.clock.now()
        ended = await sessions.end_all_sessions(transaction, account_id, why, now)
    if before is not state:
        about = AuditKind.ACCOUNT_STATE_SET
        await audit.record(transaction, account_id, about, identity=identity, details={"state": state})
    return ended


async def give_up(transaction: Executor, account_id: UUID, before: AccountState, *, identity: Identity) -> None:
    """Close an account that nobody comes back to, as its viewer went home: its address and its place are free again.

    Hold the account, and call tell_members and tell_host after the transaction.
    """
    await change_state(
        transaction, account_id, before, AccountState.CLOSED, identity=identity, why=EndReason.MOVED_BACK
    )
    await members.leave_membership(transaction, account_id)
    for contact in await accounts.list_contacts(transaction, identity.keys, account_id):
        if contact.channel is Channel.EMAIL:
            await returns.release_address(transaction, identity.keys.email_hashes(contact.destination), account_id)

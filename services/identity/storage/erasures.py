"""Accounts that are to be erased: closed, and what they were before that."""

from __future__ import annotations

from uuid import UUID

from libs.persistence.database import Executor
from services.identity.domain.account_state import AccountState
from services.identity.domain.erasure import Standing
from services.identity.storage import erasure_sql as sql


async def lock_standing(transaction: Executor, account_id: UUID) -> Standing | None:
    """How the account stands, which nobody changes until the transaction ends; None where there is no account."""
    row = await transaction.fetch_row(sql.LOCK_STANDING, account_id)
    if row is None:
        return None
    before = row["state_before_erasure"]
    return Standing(
        state=AccountState(row["state"]),
        before=AccountState(before) if before else None,
        fence=row["erasure_fence"],
    )


async def mark(transaction: Executor, account_id: UUID, before: AccountState | None, fence: int = 0) -> None:
    """Note that the account is to be erased, and what it was; None: that it is not. ``fence``: by which turn."""
    await transaction.execute(sql.MARK_FOR_ERASURE, account_id, before, fence)

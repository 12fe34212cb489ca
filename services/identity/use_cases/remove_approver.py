"""RemoveApprover: somebody gets no codes and warnings any more, and approves nothing."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.storage import accounts, approvers
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.reauthentication import reauthenticate

_log = get_logger(__name__)


async def remove_approver(account_id: UUID, approver_id: UUID, password: str, *, identity: Identity) -> bool:
    """Whether there was one. Raises CREDENTIALS_REJECTED, NOT_FOUND, OVERLOADED."""
    await reauthenticate(account_id, password, identity=identity)
    async with identity.database.transaction() as transaction:
        await accounts.lock_account(transaction, account_id)
        removed = await approvers.delete_approver(transaction, account_id, approver_id)
        if removed:
            about = AuditKind.APPROVER_REMOVED
            await audit.record(transaction, account_id, about, identity=identity, object_id=approver_id)
    _log.info("approver removed", account_id=account_id, approver_id=approver_id, removed=removed)
    return removed

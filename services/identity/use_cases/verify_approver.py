"""VerifyApprover: they receive where the owner said, and have said yes; from now on they are an approver."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.approver import Approver, check_room
from services.identity.domain.audit import AuditKind
from services.identity.storage import approvers
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


async def verify_approver(account_id: UUID, approver_id: UUID, *, identity: Identity) -> Approver:
    """The approver; one who is one already is answered as they stand. Raises NOT_FOUND, LIMIT_EXCEEDED."""
    async with identity.database.transaction() as transaction:
        await hold_open_account(transaction, account_id)
        present = await approvers.list_approvers(transaction, identity.keys, account_id)
        approver = next((each for each in present if each.approver_id == approver_id), None)
        if approver is None:
            raise not_found("approver")
        if approver.verified:
            return approver
        check_room(sum(each.verified for each in present), identity.max_approvers)
        await approvers.verify_approver(transaction, account_id, approver_id, identity.clock.now())
        about = AuditKind.APPROVER_VERIFIED
        await audit.record(transaction, account_id, about, identity=identity, object_id=approver_id)
    _log.info("approver verified", account_id=account_id, approver_id=approver_id)
    return replace(approver, verified=True)

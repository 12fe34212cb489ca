"""ConfirmApprover: the approver has read the code out, which is their yes."""

from __future__ import annotations

from services.gateway.clients.contacts import Approver
from services.gateway.domain.contact_change import ChangeKind
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.contact_codes import EnteredContactCode, redeem_contact_code
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.shutting_out import tell_owner


async def confirm_approver(context: Context, entered: EnteredContactCode) -> Approver:
    """The approver; the owner is told. Each step can be repeated under the same request id."""
    change = await redeem_contact_code(context, ChangeKind.APPROVER, entered)
    approver = await context.contacts.verify_approver(change.account_id, change.contact_id)
    notice_id, about = step_id(entered.request_id, "notice"), requester_of(entered.client)
    await tell_owner(context, notice_id, change.account_id, NoticeKind.APPROVER_ADDED, about)
    return approver

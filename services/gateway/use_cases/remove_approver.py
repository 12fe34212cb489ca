"""RemoveApprover: somebody gets no codes and warnings any more, and approves nothing."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member
from services.gateway.use_cases.present_contacts import end_codes_elsewhere


async def remove_approver(
    context: Context, session_token: str, client: Client, approver_id: UUID, password: str
) -> bool:
    """Whether there was one; codes that went there have ended. Raises DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED.

    Where the codes could not be ended the approver is gone all the same, and a repeat ends them.
    """
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    removed = await context.contacts.remove_approver(account_id, approver_id, password)
    await end_codes_elsewhere(context, account_id)
    return removed

"""RemoveApprover: somebody gets no codes and warnings any more, and approves nothing."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member


async def remove_approver(
    context: Context, session_token: str, client: Client, approver_id: UUID, password: str
) -> bool:
    """Whether there was one. Raises DEVICE_NOT_TRUSTED, CREDENTIALS_REJECTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    return await context.contacts.remove_approver(resolved.account.account_id, approver_id, password)

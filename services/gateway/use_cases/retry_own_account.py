"""RetryOwnAccount: take up what was given up."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context


async def retry_own_account(context: Context, source_account_id: UUID, own_account_id: UUID) -> None:
    """Let workers try it anew from its step on. Raises NOT_FOUND where none of that id was given up."""
    if not await own_accounts.retry_stalled(context.database, source_account_id, own_account_id, context.clock.now()):
        raise not_found("stalled own account")

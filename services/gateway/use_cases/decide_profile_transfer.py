"""DecideProfileTransfer: a device of the household says whether a profile may leave."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.domain.records import Client
from services.gateway.domain.verification import Challenge
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context, resolve_member


async def decide_profile_transfer(
    context: Context, session_token: str, client: Client, verification_id: UUID, *, agree: bool
) -> Challenge:
    """The question as answered; nobody is let in by it. Raises DEVICE_NOT_TRUSTED, NOT_FOUND, STATE_CONFLICT."""
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    # Only questions about profiles are kept there: a yes to one never answers a question of another kind.
    if not await own_accounts.find_transfers(context.database, account_id, [verification_id]):
        raise not_found("profile transfer")
    return await context.challenge.decide_challenge(account_id, verification_id, client.device_id, approve=agree)

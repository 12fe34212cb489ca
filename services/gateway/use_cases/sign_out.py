"""SignOut: this device's session is over."""

from __future__ import annotations

from services.gateway.domain.records import Client, SessionEndReason
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context, resolve_usable


async def sign_out(context: Context, session_token: str, client: Client) -> int:
    """How many streams ended. Identity refuses first, then the epoch is raised."""
    resolved = await resolve_usable(context, session_token, client)
    account_id, session_id = resolved.account.account_id, resolved.session.session_id
    await context.identity.end_session(account_id, session_id, SessionEndReason.SIGNED_OUT)
    async with context.database.transaction() as transaction:
        await leases.raise_epoch(transaction, account_id)
        return await leases.end_session_streams(transaction, account_id, session_id, context.clock.now())

"""SignOutEverywhere: every session but this one is over."""

from __future__ import annotations

from services.gateway.domain.records import Client, SessionEndReason
from services.gateway.use_cases.context import Context, resolve_member
from services.gateway.use_cases.shutting_out import Ended, end_streams_of_others


async def sign_out_everywhere(context: Context, session_token: str, client: Client) -> Ended:
    """How much ended. Raises DEVICE_NOT_TRUSTED unless a device of the household asks."""
    resolved, _ = await resolve_member(context, session_token, client)
    account_id, session_id = resolved.account.account_id, resolved.session.session_id
    sessions = await context.identity.end_other_sessions(account_id, session_id, SessionEndReason.SIGNED_OUT_EVERYWHERE)
    return Ended(sessions=sessions, streams=await end_streams_of_others(context, account_id, session_id))

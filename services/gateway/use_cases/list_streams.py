"""ListStreams: what runs on an account."""

from __future__ import annotations

from services.gateway.domain.lease import ActiveStream
from services.gateway.domain.records import Client
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context, resolve_live


async def list_streams(context: Context, session_token: str, client: Client) -> tuple[tuple[ActiveStream, ...], int]:
    """The running streams, oldest first, and how many the plan has."""
    resolved = await resolve_live(context, session_token, client)
    streams = await leases.list_streams(context.database, resolved.account.account_id, context.clock.now())
    return streams, resolved.account.plan.max_streams

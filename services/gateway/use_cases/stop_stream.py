"""StopStream: free a stream's slot."""

from __future__ import annotations

from uuid import UUID

from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.records import Client
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context, resolve_live


async def stop_stream(context: Context, session_token: str, client: Client, stream_id: UUID) -> bool:
    """Whether it was running until now. Any device of the account may stop any stream of it, but one that has yet to
    prove itself: a thief must not turn the household's television off. Raises DEVICE_NOT_TRUSTED.
    """
    resolved = await resolve_live(context, session_token, client)
    account_id = resolved.account.account_id
    stopped = await leases.end_streams(context.database, account_id, [stream_id], context.clock.now())
    if stopped:
        context.saw(SightingKind.STOP, account_id, client, None)
    return stopped > 0

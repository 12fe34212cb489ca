"""DeferVerification: verify later, by a deadline."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Assessment, Client
from services.gateway.use_cases.context import Context, require_in_good_order, resolve_live


async def defer_verification(context: Context, request_id: UUID, session_token: str, client: Client) -> Assessment:
    """What the device is now; ``expire_time`` is the deadline. Raises ALLOWANCE_EXHAUSTED, STATE_CONFLICT."""
    resolved = await resolve_live(context, session_token, client)
    require_in_good_order(resolved.account)
    return await context.device_trust.defer_verification(request_id, resolved.account.account_id, client)

"""ListPendingVerifications: what waits for the household's answer."""

from __future__ import annotations

from uuid import UUID

from services.gateway.domain.records import Client
from services.gateway.domain.verification import Challenge, Purpose
from services.gateway.use_cases.approving import require_may_decide
from services.gateway.use_cases.context import Context, resolve_member

_SHOWN = frozenset({Purpose.CONFIRM_HOUSEHOLD, Purpose.CONFIRM_OWNER})


async def list_pending_verifications(
    context: Context, session_token: str, client: Client, profile_id: UUID | None = None
) -> tuple[Challenge, ...]:
    """What devices ask, newest first; not the asking device's own questions. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    await require_may_decide(context, resolved, profile_id)
    pending = await context.challenge.list_pending_challenges(resolved.account.account_id)
    return tuple(
        challenge
        for challenge in pending
        if challenge.purpose in _SHOWN and challenge.requester.device_id != client.device_id
    )

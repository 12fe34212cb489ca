"""ListPendingVerifications: what waits for the household's answer."""

from __future__ import annotations

from services.gateway.domain.records import Client
from services.gateway.domain.verification import Challenge, Purpose
from services.gateway.use_cases.context import Context, resolve_member

_SHOWN = frozenset({Purpose.CONFIRM_HOUSEHOLD, Purpose.CONFIRM_OWNER})


async def list_pending_verifications(context: Context, session_token: str, client: Client) -> tuple[Challenge, ...]:
    """What devices ask, newest first; not the asking device's own questions. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    pending = await context.challenge.list_pending_challenges(resolved.account.account_id)
    return tuple(
        challenge
        for challenge in pending
        if challenge.purpose in _SHOWN and challenge.requester.device_id != client.device_id
    )

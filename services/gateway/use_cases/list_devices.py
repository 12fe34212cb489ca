"""ListDevices: the account's devices, for its household."""

from __future__ import annotations

from services.gateway.clients.device_trust import DeviceSummary
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, resolve_member


async def list_devices(context: Context, session_token: str, client: Client) -> tuple[DeviceSummary, ...]:
    """Last seen first. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    return await context.device_trust.list_devices(resolved.account.account_id)

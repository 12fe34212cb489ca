"""WatchDownloadPlan: a device's plan and each later one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.domain.records import Client
from services.gateway.storage import leases
from services.gateway.use_cases.context import Context, account_hint
from services.gateway.use_cases.downloads import resolve_downloader
from services.gateway.use_cases.watching import while_permitted


async def watch_download_plan(
    context: Context, session_token: str, client: Client, profile_id: UUID
) -> AsyncGenerator[planning_pb.DownloadPlan]:
    """The plans, until the device is shut out: within 2 s it then raises what another try would.

    Raises SESSION_UNKNOWN, DEVICE_NOT_TRUSTED, NOT_FOUND, STATE_CONFLICT.
    """
    # Before the first look: what is revoked after it raises the epoch.
    epoch = await leases.find_epoch(context.database, account_hint(session_token))

    async def look() -> UUID:
        resolved, _, _ = await resolve_downloader(context, session_token, client, profile_id)
        return resolved.account.account_id

    account_id = await look()
    watching = context.download_planning.watch_plan(account_id, profile_id, client.device_id)
    async with aclosing(while_permitted(context, account_id, epoch, watching, look)) as plans:
        async for plan in plans:
            yield plan

"""WatchDownloadPlan: a device's plan and each later one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.downloads import resolve_downloader


async def watch_download_plan(
    context: Context, session_token: str, client: Client, profile_id: UUID
) -> AsyncGenerator[planning_pb.DownloadPlan]:
    """The plans. Raises DEVICE_NOT_TRUSTED, NOT_FOUND."""
    resolved, _, profile = await resolve_downloader(context, session_token, client, profile_id)
    account_id = resolved.account.account_id
    watching = context.download_planning.watch_plan(account_id, profile.profile_id, client.device_id)
    async with aclosing(watching) as plans:
        async for plan in plans:
            yield plan

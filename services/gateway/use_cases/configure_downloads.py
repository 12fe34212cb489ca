"""ConfigureDownloads: what a viewer wants on a device."""

from __future__ import annotations

from uuid import UUID

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.downloads import resolve_downloader


async def configure_downloads(
    context: Context,
    session_token: str,
    client: Client,
    device: context_pb.Device,
    profile_id: UUID,
    settings: planning_pb.DownloadSettings,
) -> planning_pb.DownloadSettings:
    """What is in force. Raises DEVICE_NOT_TRUSTED, LIMIT_EXCEEDED beyond the plan's download devices."""
    resolved, _, _ = await resolve_downloader(context, session_token, client, profile_id)
    account = resolved.account
    return await context.download_planning.configure_downloads(
        account.account_id, profile_id, device, settings, account.plan.max_download_devices
    )

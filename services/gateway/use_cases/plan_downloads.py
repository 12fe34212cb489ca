"""PlanDownloads: what should be on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.clients.conversions import to_enum
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.downloads import resolve_downloader


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanDownloads:
    """A device tells what it has and asks what it should have."""

    session_token: str
    client: Client
    profile_id: UUID
    inventory: Sequence[planning_pb.InventoryItem]
    free_bytes: int
    network: planning_pb.NetworkType.ValueType
    etag: str


async def plan_downloads(context: Context, command: PlanDownloads) -> planning_pb.PlanDownloadsResponse:
    """The wanted state, for the licences of the country the device is in. Raises DEVICE_NOT_TRUSTED, NOT_FOUND."""
    resolved, assessment, profile = await resolve_downloader(
        context, command.session_token, command.client, command.profile_id
    )
    request = planning_pb.PlanDownloadsRequest(
        account_id=str(resolved.account.account_id),
        profile_id=str(profile.profile_id),
        device_id=command.client.device_id,
        standing=to_enum(standing_pb2.Standing, "STANDING_", assessment.standing),
        maturity_age=profile.maturity_age,
        country_code=command.client.country_code or resolved.account.country_code,
        inventory=command.inventory,
        free_bytes=command.free_bytes,
        network=command.network,
        etag=command.etag,
    )
    return await context.download_planning.plan_downloads(request)

"""The gateway's view of download_planning: its messages go through as they are. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call, call_stream


class DownloadPlanningClient:
    """Download settings, plans and viewing history."""

    def __init__(self, channel: Channel) -> None:
        self._stub = rpc.DownloadPlanningServiceStub(channel)

    async def configure_downloads(
        self,
        account_id: UUID,
        profile_id: UUID,
        device: context_pb.Device,
        settings: pb.DownloadSettings,
        max_download_devices: int,
    ) -> pb.DownloadSettings:
        """Set what a viewer wants on a device. Raises LIMIT_EXCEEDED."""
        request = pb.ConfigureDownloadsRequest(
            account_id=str(account_id),
            profile_id=str(profile_id),
            device_id=device.id,
            platform=device.platform,
            settings=settings,
            max_download_devices=max_download_devices,
        )
        return (await call(self._stub.ConfigureDownloads, request)).settings

    async def plan_downloads(self, request: pb.PlanDownloadsRequest) -> pb.PlanDownloadsResponse:
        """What should be on a device. Raises NOT_FOUND, DEVICE_NOT_TRUSTED."""
        return await call(self._stub.PlanDownloads, request)

    async def record_viewing(self, request: pb.RecordViewingRequest) -> int:
        """Tell what was watched; how many viewings were new."""
        return (await call(self._stub.RecordViewing, request)).recorded_count

    async def watch_plan(self, account_id: UUID, profile_id: UUID, device_id: str) -> AsyncGenerator[pb.DownloadPlan]:
        """A device's plan and each later one. Close it when leaving early."""
        request = pb.WatchPlanRequest(account_id=str(account_id), profile_id=str(profile_id), device_id=device_id)
        async with aclosing(call_stream(self._stub.WatchPlan, request)) as messages:
            async for message in messages:
                yield message.plan

    async def move_profile(
        self, source_account_id: UUID, profile_id: UUID, target_account_id: UUID, *, device_id: str = ""
    ) -> None:
        """Move a profile's history and list; what the device that leaves with it had in the source ends."""
        request = pb.MoveProfileRequest(
            source_account_id=str(source_account_id),
            profile_id=str(profile_id),
            target_account_id=str(target_account_id),
            device_id=device_id,
        )
        await call(self._stub.MoveProfile, request)

    async def update_my_list(
        self, account_id: UUID, profile_id: UUID, *, add: Sequence[str], remove: Sequence[str]
    ) -> int:
        """Change a profile's list; how many titles are on it now. Raises LIMIT_EXCEEDED."""
        request = pb.UpdateMyListRequest(
            account_id=str(account_id), profile_id=str(profile_id), add_title_ids=add, remove_title_ids=remove
        )
        return (await call(self._stub.UpdateMyList, request)).title_count

    async def list_my_list(self, account_id: UUID, profile_id: UUID) -> Sequence[pb.MyListItem]:
        """A profile's list, the latest first."""
        request = pb.ListMyListRequest(account_id=str(account_id), profile_id=str(profile_id))
        return (await call(self._stub.ListMyList, request)).items

    async def is_used(self, account_id: UUID, profile_id: UUID) -> bool:
        """Whether something was watched on a profile, is on its list, or was chosen for its downloads."""
        request = pb.GetProfileUseRequest(account_id=str(account_id), profile_id=str(profile_id))
        return (await call(self._stub.GetProfileUse, request)).used

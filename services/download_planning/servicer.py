"""The gRPC side of the service: requests to use cases, their outcomes to responses, no rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as rpc
from libs.runtime.ids import parse_uuid
from services.download_planning import conversions
from services.download_planning.codec import explanation_to_message, plan_to_message, to_timestamp
from services.download_planning.use_cases.configure_downloads import configure_downloads
from services.download_planning.use_cases.context import Context
from services.download_planning.use_cases.explain_plan import explain_plan
from services.download_planning.use_cases.get_profile_use import get_profile_use
from services.download_planning.use_cases.import_titles import import_titles
from services.download_planning.use_cases.list_my_list import list_my_list
from services.download_planning.use_cases.move_profile import move_profile
from services.download_planning.use_cases.plan_downloads import plan_downloads
from services.download_planning.use_cases.record_viewing import record_viewing
from services.download_planning.use_cases.update_my_list import update_my_list
from services.download_planning.use_cases.watch_plan import watch_plan


class DownloadPlanningServicer(rpc.DownloadPlanningServiceServicer):
    """Each method does what its comment in the proto says."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ImportTitles(
        self, request_iterator: AsyncIterator[pb.ImportTitlesRequest], context: Any
    ) -> pb.ImportTitlesResponse:
        """Takes in titles."""
        report = await import_titles(self._context, conversions.rows_of(request_iterator))
        return conversions.report_to_message(report)

    async def RecordViewing(self, request: pb.RecordViewingRequest, context: Any) -> pb.RecordViewingResponse:
        """Takes in what was watched."""
        account_id = parse_uuid(request.account_id, "account_id")
        profile_id = parse_uuid(request.profile_id, "profile_id")
        viewings = [conversions.viewing_of(each, index) for index, each in enumerate(request.viewings)]
        recorded = await record_viewing(self._context, account_id, profile_id, viewings)
        return pb.RecordViewingResponse(recorded_count=recorded)

    async def ConfigureDownloads(
        self, request: pb.ConfigureDownloadsRequest, context: Any
    ) -> pb.ConfigureDownloadsResponse:
        """Sets what a viewer wants on a device."""
        key, platform = conversions.key_of(request), conversions.platform_of(request)
        chosen = conversions.settings_of(request.settings)
        in_force = await configure_downloads(self._context, key, platform, chosen, request.max_download_devices)
        return pb.ConfigureDownloadsResponse(settings=conversions.settings_to_message(in_force))

    async def PlanDownloads(self, request: pb.PlanDownloadsRequest, context: Any) -> pb.PlanDownloadsResponse:
        """Computes what should be on a device."""
        plan = await plan_downloads(self._context, conversions.command_of(request))
        if plan is None:
            return pb.PlanDownloadsResponse(not_modified=True)
        return pb.PlanDownloadsResponse(plan=plan_to_message(plan))

    async def ExplainPlan(self, request: pb.ExplainPlanRequest, context: Any) -> pb.ExplainPlanResponse:
        """Tells what was considered for a plan."""
        account_id, plan_id = parse_uuid(request.account_id, "account_id"), parse_uuid(request.plan_id, "plan_id")
        return explanation_to_message(await explain_plan(self._context, account_id, plan_id))

    async def WatchPlan(self, request: pb.WatchPlanRequest, context: Any) -> AsyncIterator[pb.WatchPlanResponse]:
        """Streams a device's plan and each later one."""
        async with aclosing(watch_plan(self._context, conversions.key_of(request))) as plans:
            async for plan in plans:
                yield pb.WatchPlanResponse(plan=plan_to_message(plan))

    async def MoveProfile(self, request: pb.MoveProfileRequest, context: Any) -> pb.MoveProfileResponse:
        """Moves a profile's viewing history to another account."""
        moved = await move_profile(
            self._context,
            source=parse_uuid(request.source_account_id, "source_account_id"),
            profile_id=parse_uuid(request.profile_id, "profile_id"),
            target=parse_uuid(request.target_account_id, "target_account_id"),
            device_id=request.device_id,
        )
        return pb.MoveProfileResponse(moved_count=moved)

    async def UpdateMyList(self, request: pb.UpdateMyListRequest, context: Any) -> pb.UpdateMyListResponse:
        """Adds titles to a profile's list and takes titles off it."""
        account_id, profile_id = (
            parse_uuid(request.account_id, "account_id"),
            parse_uuid(request.profile_id, "profile_id"),
        )
        count = await update_my_list(
            self._context, account_id, profile_id, add=request.add_title_ids, remove=request.remove_title_ids
        )
        return pb.UpdateMyListResponse(title_count=count)

    async def ListMyList(self, request: pb.ListMyListRequest, context: Any) -> pb.ListMyListResponse:
        """Lists a profile's list."""
        account_id, profile_id = (
            parse_uuid(request.account_id, "account_id"),
            parse_uuid(request.profile_id, "profile_id"),
        )
        items = await list_my_list(self._context, account_id, profile_id)
        return pb.ListMyListResponse(
            items=[pb.MyListItem(title_id=each.title_id, add_time=to_timestamp(each.add_time)) for each in items]
        )

    async def GetProfileUse(self, request: pb.GetProfileUseRequest, context: Any) -> pb.GetProfileUseResponse:
        """Tells whether anybody has used a profile."""
        account_id, profile_id = (
            parse_uuid(request.account_id, "account_id"),
            parse_uuid(request.profile_id, "profile_id"),
        )
        return pb.GetProfileUseResponse(used=await get_profile_use(self._context, account_id, profile_id))

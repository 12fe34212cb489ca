"""DownloadService over the use cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import download_service_pb2 as pb
from hearthgate.gateway.v1 import download_service_pb2_grpc as rpc
from services.gateway.clients.conversions import client
from services.gateway.use_cases.configure_downloads import configure_downloads
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.list_my_list import list_my_list
from services.gateway.use_cases.plan_downloads import PlanDownloads, plan_downloads
from services.gateway.use_cases.report_viewing import report_viewing
from services.gateway.use_cases.update_my_list import update_my_list
from services.gateway.use_cases.watch_download_plan import watch_download_plan


class DownloadServicer(rpc.DownloadServiceServicer):
    """What a phone does about downloads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ConfigureDownloads(
        self, request: pb.ConfigureDownloadsRequest, context: Any
    ) -> pb.ConfigureDownloadsResponse:
        settings = await configure_downloads(
            self._context,
            request.session_token,
            client(request.client),
            request.client.device,
            UUID(request.profile_id),
            request.settings,
        )
        return pb.ConfigureDownloadsResponse(settings=settings)

    async def PlanDownloads(self, request: pb.PlanDownloadsRequest, context: Any) -> pb.PlanDownloadsResponse:
        command = PlanDownloads(
            session_token=request.session_token,
            client=client(request.client),
            profile_id=UUID(request.profile_id),
            inventory=request.inventory,
            free_bytes=request.free_bytes,
            network=request.network,
            etag=request.etag,
        )
        answer = await plan_downloads(self._context, command)
        plan = answer.plan if answer.HasField("plan") else None
        return pb.PlanDownloadsResponse(plan=plan, not_modified=answer.not_modified)

    async def ReportViewing(self, request: pb.ReportViewingRequest, context: Any) -> pb.ReportViewingResponse:
        asking, profile_id = client(request.client), UUID(request.profile_id)
        count = await report_viewing(self._context, request.session_token, asking, profile_id, request.viewings)
        return pb.ReportViewingResponse(recorded_count=count)

    async def WatchDownloadPlan(
        self, request: pb.WatchDownloadPlanRequest, context: Any
    ) -> AsyncIterator[pb.WatchDownloadPlanResponse]:
        asking, profile_id = client(request.client), UUID(request.profile_id)
        watching = watch_download_plan(self._context, request.session_token, asking, profile_id)
        async with aclosing(watching) as plans:
            async for plan in plans:
                yield pb.WatchDownloadPlanResponse(plan=plan)

    async def UpdateMyList(self, request: pb.UpdateMyListRequest, context: Any) -> pb.UpdateMyListResponse:
        count = await update_my_list(
            self._context,
            request.session_token,
            client(request.client),
            UUID(request.profile_id),
            add=request.add_title_ids,
            remove=request.remove_title_ids,
        )
        return pb.UpdateMyListResponse(title_count=count)

    async def ListMyList(self, request: pb.ListMyListRequest, context: Any) -> pb.ListMyListResponse:
        asking, profile_id = client(request.client), UUID(request.profile_id)
        items = await list_my_list(self._context, request.session_token, asking, profile_id)
        return pb.ListMyListResponse(items=items)

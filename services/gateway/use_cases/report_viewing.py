"""ReportViewing: what was watched."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, require_profile, resolve_live


async def report_viewing(
    context: Context,
    session_token: str,
    client: Client,
    profile_id: UUID,
    viewings: Sequence[planning_pb.Viewing],
) -> int:
    """How many were new. Every device that may watch may tell. Raises SESSION_UNKNOWN, NOT_FOUND."""
    resolved = await resolve_live(context, session_token, client)
    require_profile(resolved, profile_id)
    request = planning_pb.RecordViewingRequest(
        account_id=str(resolved.account.account_id), profile_id=str(profile_id), viewings=viewings
    )
    return await context.download_planning.record_viewing(request)

"""ListMyList: a profile's list."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from services.gateway.domain.records import Client
from services.gateway.use_cases.context import Context, require_profile, resolve_live


async def list_my_list(
    context: Context, session_token: str, client: Client, profile_id: UUID
) -> Sequence[planning_pb.MyListItem]:
    """The latest first. Raises SESSION_UNKNOWN, NOT_FOUND."""
    resolved = await resolve_live(context, session_token, client)
    require_profile(resolved, profile_id)
    return await context.download_planning.list_my_list(resolved.account.account_id, profile_id)

"""RequestMembership: the viewer of a refused device asks the owner for an invitation."""

from __future__ import annotations

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.records import MEMBER_STANDINGS, Client, Standing
from services.gateway.domain.verification import NoticeKind, requester_of
from services.gateway.use_cases.context import Context, resolve_live, step_id
from services.gateway.use_cases.shutting_out import tell_owner


async def request_membership(context: Context, session_token: str, client: Client) -> None:
    """Tell the owner, once a session. Raises DEVICE_NOT_TRUSTED where theft is likely; STATE_CONFLICT for a device of
    the household, and where the plan has no free slot.
    """
    resolved = await resolve_live(context, session_token, client)
    account = resolved.account
    assessment = await context.device_trust.assess_device(account.account_id, client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    if assessment.standing in MEMBER_STANDINGS:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="device of the household")
    if account.free_member_slots == 0:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="no slot is free")
    # By the session and not by the request: whoever asks again and again is heard once.
    notice_id = step_id(resolved.session.session_id, "membership")
    await tell_owner(context, notice_id, account.account_id, NoticeKind.MEMBERSHIP_REQUESTED, requester_of(client))

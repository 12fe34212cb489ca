"""Who of a household decides about devices."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.records import ResolvedSession
from services.gateway.use_cases.context import Context, require_profile


async def require_may_decide(context: Context, resolved: ResolvedSession, profile_id: UUID | None) -> None:
    """Let the owner's profile and the approvers' decide; where no profile is told, the device of the household does.

    A child's tablet must not let a stranger in. Raises NOT_FOUND, DEVICE_NOT_TRUSTED.
    """
    if profile_id is None:
        return
    profile = require_profile(resolved, profile_id)
    if profile.primary:
        return
    if not profile.kids:
        approvers = await context.contacts.list_approvers(resolved.account.account_id)
        if any(each.verified and each.profile_id == profile_id for each in approvers):
            return
    raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail="neither the owner's profile nor an approver's")

"""CreateOwnAccount: the dignified way out of somebody else's account. CompleteSignUp moves the profile."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.device_trust import SightingKind
from services.gateway.clients.identity import NewAccount
from services.gateway.domain.records import MEMBER_STANDINGS, Client, Standing
from services.gateway.domain.verification import Proof
from services.gateway.use_cases.context import Context, require_profile, resolve_live
from services.gateway.use_cases.sign_up import SignUp, sign_up


async def create_own_account(
    context: Context, session_token: str, profile_id: UUID, new: NewAccount, body_digest: bytes, client: Client
) -> Proof:
    """What waits for the code. Raises DEVICE_NOT_TRUSTED where theft is likely: a profile must not leave with a thief;
    STATE_CONFLICT for a profile that may not move, or a device of the household.
    """
    resolved = await resolve_live(context, session_token, client)
    require_profile(resolved, profile_id)
    account_id = resolved.account.account_id
    assessment = await context.device_trust.assess_device(account_id, client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    if assessment.standing in MEMBER_STANDINGS:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="device of the household")
    # The target is not known yet; any id will do to learn whether the profile may leave.
    await context.identity.move_profile(account_id, profile_id, new.request_id, dry_run=True)
    return await sign_up(context, SignUp(new=new, body_digest=body_digest, client=client))

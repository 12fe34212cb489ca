"""RejectDevice: a device of the household says "it wasn't me"."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.domain.records import Client
from services.gateway.domain.verification import Challenge, ChallengeState, NoticeKind, RevocationReason
from services.gateway.storage import verifications
from services.gateway.use_cases.approving import require_may_decide
from services.gateway.use_cases.context import Context, resolve_member, step_id
from services.gateway.use_cases.shutting_out import Ended, shut_device_out, tell_owner


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """The challenge, now over, and what ended with it."""

    challenge: Challenge
    ended: Ended


async def reject_device(
    context: Context,
    request_id: UUID,
    session_token: str,
    client: Client,
    verification_id: UUID,
    profile_id: UUID | None = None,
) -> Rejected:
    """Shut the asking device out, whatever state its question is in by now, and tell the owner."""
    resolved, _ = await resolve_member(context, session_token, client)
    await require_may_decide(context, resolved, profile_id)
    account_id = resolved.account.account_id
    challenge = await _decide(context, account_id, verification_id, client)
    ended = await shut_device_out(context, account_id, challenge.requester.device_id, RevocationReason.NOT_ME)
    notice_id = step_id(request_id, "notice")
    await tell_owner(context, notice_id, account_id, NoticeKind.DEVICE_SHUT_OUT, challenge.requester)
    await verifications.forget_asker(context.database, account_id, verification_id, context.clock.now())
    return Rejected(challenge=challenge, ended=ended)


async def _decide(context: Context, account_id: UUID, verification_id: UUID, client: Client) -> Challenge:
    """The challenge as rejected. One that was answered or has expired is no reason to leave the device in."""
    try:
        return await context.challenge.decide_challenge(account_id, verification_id, client.device_id, approve=False)
    except ServiceError as error:
        if error.reason is not ErrorReason.STATE_CONFLICT:
            raise
    challenge = await context.challenge.get_challenge(account_id, verification_id)
    assert challenge.state is not ChallengeState.PENDING
    return challenge

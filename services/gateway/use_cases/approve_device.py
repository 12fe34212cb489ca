"""ApproveDevice: a device of the household says yes."""

from __future__ import annotations

from uuid import UUID

from hearthgate.common.v1 import client_context_pb2 as context_pb
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.gateway.clients import conversions
from services.gateway.domain.records import Client
from services.gateway.domain.verification import Asker, Basis, Challenge, ChallengeState, Purpose
from services.gateway.storage import verifications
from services.gateway.use_cases.approving import require_may_decide
from services.gateway.use_cases.context import Context, resolve_member, step_id


async def approve_device(
    context: Context,
    request_id: UUID,
    session_token: str,
    client: Client,
    verification_id: UUID,
    profile_id: UUID | None = None,
) -> Challenge:
    """Let the asking device in as far as a yes buys. A repeat after a lost answer finishes what was begun."""
    resolved, _ = await resolve_member(context, session_token, client)
    await require_may_decide(context, resolved, profile_id)
    account_id = resolved.account.account_id
    asker = await verifications.find_asker(context.database, context.sealing_keys, account_id, verification_id)
    if asker is None:
        return await _approved_before(context, account_id, verification_id)
    challenge = await _decide(context, account_id, verification_id, client)
    await _let_in(context, step_id(request_id, "confirm"), challenge, asker)
    await verifications.forget_asker(context.database, account_id, verification_id, context.clock.now())
    return challenge


async def _approved_before(context: Context, account_id: UUID, verification_id: UUID) -> Challenge:
    """A yes that was carried out to its end, after which who asked is forgotten. Raises NOT_FOUND for anything else."""
    challenge = await context.challenge.get_challenge(account_id, verification_id)
    if challenge.state is not ChallengeState.APPROVED:
        raise not_found("verification")
    return challenge


async def _decide(context: Context, account_id: UUID, verification_id: UUID, client: Client) -> Challenge:
    try:
        return await context.challenge.decide_challenge(account_id, verification_id, client.device_id, approve=True)
    except ServiceError as error:
        if error.reason is not ErrorReason.STATE_CONFLICT:
            raise
        challenge = await context.challenge.get_challenge(account_id, verification_id)
        if challenge.state is not ChallengeState.APPROVED:
            raise
        return challenge


async def _let_in(context: Context, request_id: UUID, challenge: Challenge, asker: Asker) -> None:
    device = conversions.client(context_pb.ClientContext.FromString(asker.client))
    await context.device_trust.confirm_device(request_id, challenge.account_id, device, Basis.TRUSTED_DEVICE)
    if challenge.purpose is Purpose.CONFIRM_OWNER:
        await context.identity.lift_restriction(challenge.account_id, asker.session_id)

"""CompleteSignUp: the code was right; make the account usable, move what is to move, sign the device in.

Each step can be repeated under the same request id, so a crash anywhere is mended by asking again.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.device_trust import SightingKind
from services.gateway.clients.identity import ActivatedAccount
from services.gateway.domain.records import Client, Credentials, Profile, Standing
from services.gateway.domain.verification import (
    Basis,
    NoticeKind,
    Proof,
    Purpose,
    RevocationReason,
    requester_of,
)
from services.gateway.storage import verifications
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.proofs import redeem
from services.gateway.use_cases.shutting_out import shut_device_out, tell_owner


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteSignUp:
    """Somebody entered the code of a sign-up."""

    request_id: UUID
    sign_up_id: UUID
    client: Client
    code: str
    device_key: bytes = b""

    def __repr__(self) -> str:
        return f"CompleteSignUp({self.sign_up_id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedUp:
    """The new account with this device signed in."""

    account_id: UUID
    credentials: Credentials
    profiles: tuple[Profile, ...]


async def complete_sign_up(context: Context, command: CompleteSignUp) -> SignedUp:
    """The account, usable, with this device its first. Raises CREDENTIALS_REJECTED, DEVICE_NOT_TRUSTED."""
    proof = await redeem(
        context,
        request_id=command.request_id,
        proof_id=command.sign_up_id,
        purpose=Purpose.SIGN_UP,
        client=command.client,
        code=command.code,
    )
    await _require_may_leave(context, proof, command.client)
    activated = await context.identity.activate_account(proof.account_id)
    await _move_in(context, command, activated)
    await context.device_trust.confirm_device(
        step_id(command.request_id, "confirm"), proof.account_id, command.client, Basis.ACCOUNT_CREATED
    )
    _, credentials = await context.identity.open_session(
        step_id(command.request_id, "session"),
        proof.account_id,
        command.client.device_id,
        restricted=False,
        device_key=command.device_key,
    )
    _, profiles = await context.identity.get_account(proof.account_id)
    return SignedUp(account_id=proof.account_id, credentials=credentials, profiles=profiles)


async def _require_may_leave(context: Context, proof: Proof, client: Client) -> None:
    """No profile leaves with a device that was shut out, or fell under suspicion, after the own account was begun.

    Once the move has begun it is finished: the device itself is shut out on the way.
    """
    if proof.source_account_id is None or proof.begun:
        return
    assessment = await context.device_trust.assess_device(proof.source_account_id, client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    await verifications.begin_proof(context.database, proof.proof_id, context.clock.now())


async def _move_in(context: Context, command: CompleteSignUp, activated: ActivatedAccount) -> None:
    """The saga of a move: history first, then the profile, then the device leaves the account it was lent."""
    if activated.move is None:
        return
    source_id, profile_id = activated.move
    target_id = activated.account.account_id
    await context.download_planning.move_profile(source_id, profile_id, target_id)
    await context.identity.move_profile(source_id, profile_id, target_id)
    await _leave(context, source_id, command.client.device_id)
    notice_id, about = step_id(command.request_id, "notice"), requester_of(command.client)
    await tell_owner(context, notice_id, source_id, NoticeKind.OWN_ACCOUNT_MADE, about)


async def _leave(context: Context, source_id: UUID, device_id: str) -> None:
    try:
        await shut_device_out(context, source_id, device_id, RevocationReason.MOVED_AWAY)
    except ServiceError as error:
        # The account never saw the device: there is nothing to leave.
        if error.reason is not ErrorReason.NOT_FOUND:
            raise

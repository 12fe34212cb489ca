"""CreateOwnAccount: the dignified way out of somebody else's account. CompleteSignUp moves the profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.device_trust import SightingKind
from services.gateway.clients.identity import NewAccount
from services.gateway.domain.own_account import OwnAccount, OwnAccountState, Step, owners_name
from services.gateway.domain.records import MEMBER_STANDINGS, Client, Profile, Standing
from services.gateway.domain.verification import Proof
from services.gateway.storage import own_accounts
from services.gateway.use_cases.complete_sign_up import own_account_id_of
from services.gateway.use_cases.context import Context, require_profile, resolve_live
from services.gateway.use_cases.profile_transfers import BroughtYes, owner_agreed
from services.gateway.use_cases.sign_up import SignUp, sign_up


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateOwnAccount:
    """A viewer wants to leave with a profile; ``yes`` is the owner's, where one was asked for.

    ``new.profile_name`` names the owner's profile that is made beside a kids' one; it may be empty.
    """

    session_token: str
    profile_id: UUID
    new: NewAccount
    body_digest: bytes
    client: Client
    yes: BroughtYes | None


async def create_own_account(context: Context, command: CreateOwnAccount) -> Proof:
    """What waits for the code. Raises DEVICE_NOT_TRUSTED where theft is likely: a profile must not leave with a thief;
    STATE_CONFLICT for a profile that may not move, or a device of the household; CREDENTIALS_REJECTED for no yes;
    INVALID_FIELD.
    """
    resolved = await resolve_live(context, command.session_token, command.client)
    profile = require_profile(resolved, command.profile_id)
    account_id = resolved.account.account_id
    assessment = await context.device_trust.assess_device(account_id, command.client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    if assessment.standing in MEMBER_STANDINGS:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="device of the household")
    agreed = command.yes is not None and await owner_agreed(
        context, resolved, command.client, command.profile_id, command.yes
    )
    # The target is not known yet; any id will do to learn whether the profile may leave.
    await context.identity.move_profile(
        account_id, command.profile_id, command.new.request_id, dry_run=True, owner_agreed=agreed
    )
    new = replace(command.new, profile_name=owners_name(profile, command.new.profile_name))
    proof = await sign_up(context, SignUp(new=new, body_digest=command.body_digest, client=command.client))
    context.after_step("SIGN_UP kept")
    await _keep(context, account_id, profile, proof, agreed=agreed)
    return proof


async def _keep(context: Context, account_id: UUID, profile: Profile, proof: Proof, *, agreed: bool) -> None:
    """Also where the address is taken, and no code was sent: both cases walk the same way."""
    own = OwnAccount(
        account_id=account_id,
        own_account_id=own_account_id_of(proof.proof_id),
        target_account_id=proof.account_id,
        profile_id=profile.profile_id,
        profile_name=profile.name,
        device_id=proof.device_id,
        challenge_id=proof.challenge_id,
        owner_agreed=agreed,
        state=OwnAccountState.WAITING,
        step=Step.PROVE,
        create_time=context.clock.now(),
    )
    await own_accounts.insert(context.database, own)

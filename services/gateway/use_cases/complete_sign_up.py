"""CompleteSignUp: the code was right; make the account usable, move what is to move, sign the device in.

Each step can be repeated under the same request id, so a crash anywhere is mended by asking again. The move of a
profile is finished also when nobody asks again: see ``own_account_saga.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.domain.own_account import OwnAccount, OwnAccountState
from services.gateway.domain.records import AccountState, Client, Credentials, Profile
from services.gateway.domain.verification import Basis, Proof, Purpose
from services.gateway.storage import own_accounts, verifications
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.own_account_saga import begin, drive, is_only_untold, require_may_leave
from services.gateway.use_cases.own_account_steps import seal_client
from services.gateway.use_cases.proofs import redeem

_log = get_logger(__name__)


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
    """The account, usable, with this device its first.

    Raises CREDENTIALS_REJECTED, DEVICE_NOT_TRUSTED; STATE_CONFLICT where the profile may not leave any more.
    """
    await _note_entering(context, command)
    proof = await redeem(
        context,
        request_id=command.request_id,
        proof_id=command.sign_up_id,
        purpose=Purpose.SIGN_UP,
        client=command.client,
        code=command.code,
    )
    if proof.source_account_id is None:
        await context.identity.activate_account(proof.account_id)
        request_id = step_id(command.request_id, "confirm")
        await context.device_trust.confirm_device(request_id, proof.account_id, command.client, Basis.ACCOUNT_CREATED)
    else:
        await _move(context, proof, proof.source_account_id, command.client)
    return await _signed_in(context, command, proof.account_id)


def own_account_id_of(proof_id: UUID) -> UUID:
    """The own account that a proof is about."""
    return step_id(proof_id, "own account")


async def _note_entering(context: Context, command: CompleteSignUp) -> None:
    """Before the code is redeemed: should this gateway crash over it, a worker looks what came of it."""
    proof = await verifications.find_proof(context.database, command.sign_up_id)
    if proof is None or proof.source_account_id is None or proof.device_id != command.client.device_id:
        return
    own = await own_accounts.find(context.database, proof.source_account_id, own_account_id_of(proof.proof_id))
    if own is not None and own.state is OwnAccountState.WAITING:
        sealed = seal_client(context, own.own_account_id, command.client)
        look_time = context.clock.now() + context.own_accounts.lease
        await own_accounts.enter_code(context.database, own, sealed, look_time)
        context.after_step("ENTER kept")


async def _move(context: Context, proof: Proof, source_account_id: UUID, client: Client) -> None:
    """Begin the move, or take it up where it stands, and wait for its end."""
    context.after_step("PROVE done")
    own = await own_accounts.find(context.database, source_account_id, own_account_id_of(proof.proof_id))
    if own is None:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="an own account that was not kept; to be asked for anew")
    if own.state is OwnAccountState.WAITING:
        await require_may_leave(context, own, client)
        own = await begin(context, own)
        context.after_step("PROVE kept")
    await _finish(context, own)


async def _finish(context: Context, own: OwnAccount) -> None:
    try:
        await drive(context, own)
    except ServiceError as error:
        found = await own_accounts.find(context.database, own.account_id, own.own_account_id)
        if found is None or not is_only_untold(found):
            raise
        _log.warning("notice waits", own_account_id=str(own.own_account_id), reason=str(error.reason))


async def _signed_in(context: Context, command: CompleteSignUp, account_id: UUID) -> SignedUp:
    account, _ = await context.identity.get_account(account_id)
    if account.state is not AccountState.ACTIVE:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is {account.state}")
    _, credentials = await context.identity.open_session(
        step_id(command.request_id, "session"),
        account_id,
        command.client.device_id,
        restricted=False,
        device_key=command.device_key,
    )
    _, profiles = await context.identity.get_account(account_id)
    return SignedUp(account_id=account_id, credentials=credentials, profiles=profiles)

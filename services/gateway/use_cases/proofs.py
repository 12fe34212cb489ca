"""What sign-ups and password resets share: a code to an address that may or may not have an account.

Known and unknown addresses walk the same way and are answered alike, in words and (``alike.py``) in time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import EnteredCode
from services.gateway.domain.records import Client
from services.gateway.domain.verification import CodeResult, Proof, Purpose
from services.gateway.storage import verifications
from services.gateway.use_cases import present_contacts
from services.gateway.use_cases.context import Context, step_id

CODE_LIFE: Final = timedelta(minutes=10)
"""What an unknown address is told of its code's life: that of real codes (NIST SP 800-63B-4: at most 10 minutes)."""


async def kept_proof(context: Context, *, request_id: UUID, body_digest: bytes, purpose: Purpose) -> Proof | None:
    """What an earlier request of this id began, or None. Raises REQUEST_ID_REUSED for another body.

    To be asked before anything is sent: then no leaf is asked twice, and none can answer a repeat for a known address
    otherwise than for an unknown one.
    """
    return await verifications.find_proof(context.database, _proof_id(request_id, purpose), body_digest)


async def keep_proof(
    context: Context,
    *,
    request_id: UUID,
    body_digest: bytes,
    purpose: Purpose,
    client: Client,
    sent: tuple[UUID, UUID] | None,
    source_account_id: UUID | None = None,
) -> Proof:
    """Keep what a code is about; ``sent`` is account and challenge, None where no code was sent."""
    account_id, challenge_id = sent or (step_id(request_id, "no account"), step_id(request_id, "no challenge"))
    proof = Proof(
        proof_id=_proof_id(request_id, purpose),
        purpose=purpose,
        account_id=account_id,
        challenge_id=challenge_id,
        device_id=client.device_id,
        expire_time=context.clock.now() + CODE_LIFE,
        source_account_id=source_account_id,
    )
    return await verifications.keep_proof(context.database, proof, body_digest)


async def redeem(
    context: Context, *, request_id: UUID, proof_id: UUID, purpose: Purpose, client: Client, code: str
) -> Proof:
    """The proof whose code it is. Raises CREDENTIALS_REJECTED for every other case, without saying which."""
    proof = await verifications.find_proof(context.database, proof_id)
    if proof is None or proof.purpose is not purpose or proof.device_id != client.device_id:
        raise _rejected("no such proof on this device")
    check = await context.challenge.verify_challenge(
        EnteredCode(
            request_id=step_id(request_id, "verify"),
            account_id=proof.account_id,
            challenge_id=proof.challenge_id,
            client=client,
            session_id=None,
            code=code,
            contacts=await _contacts_of(context, proof),
        )
    )
    if check.result is not CodeResult.ACCEPTED:
        raise _rejected(f"code {check.result}")
    return proof


async def _contacts_of(context: Context, proof: Proof) -> tuple[str, ...] | None:
    """Whose code counts: a sign-up's address is proved by it, a reset's must be the owner's still."""
    if proof.purpose is Purpose.SIGN_UP:
        return None
    return await present_contacts.of_owner_by_email(context, proof.account_id)


def _proof_id(request_id: UUID, purpose: Purpose) -> UUID:
    return step_id(request_id, f"proof {purpose}")


def _rejected(detail: str) -> ServiceError:
    return ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=detail)

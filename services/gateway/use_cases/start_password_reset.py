"""StartPasswordReset: a code for a new password, to an address that may have an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import NewChallenge
from services.gateway.domain.records import Channel, Client
from services.gateway.domain.verification import Proof, Purpose
from services.gateway.use_cases.alike import alike
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.proofs import keep_proof, kept_proof

# What only an address with an account can meet, so that the asker must not learn of it: too many codes, the same id
# with another body after a gateway that died, two requests at once, an account that is just going.
_OF_KNOWN_ADDRESSES: Final = frozenset(
    {
        ErrorReason.LIMIT_EXCEEDED,
        ErrorReason.REQUEST_ID_REUSED,
        ErrorReason.CONCURRENT_CHANGE,
        ErrorReason.CHANNEL_UNAVAILABLE,
        ErrorReason.INVALID_FIELD,
        ErrorReason.NOT_FOUND,
    }
)
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StartPasswordReset:
    """Somebody has forgotten a password, or says so."""

    request_id: UUID
    body_digest: bytes
    email: str
    client: Client

    def __repr__(self) -> str:
        return f"StartPasswordReset({self.request_id})"


async def start_password_reset(context: Context, command: StartPasswordReset) -> Proof:
    """What waits for the code, also where none was sent."""
    async with alike(context):
        request_id, digest, purpose = command.request_id, command.body_digest, Purpose.PASSWORD_RESET
        kept = await kept_proof(context, request_id=request_id, body_digest=digest, purpose=purpose)
        if kept is not None:
            return kept
        account_id = await context.identity.find_account(command.email)
        return await keep_proof(
            context,
            request_id=request_id,
            body_digest=digest,
            purpose=purpose,
            client=command.client,
            sent=await (_send(context, command, account_id) if account_id else _pretend(context, command)),
        )


async def _send(context: Context, command: StartPasswordReset, account_id: UUID) -> tuple[UUID, UUID] | None:
    try:
        return await _send_code(context, command, account_id)
    except ServiceError as error:
        if error.reason not in _OF_KNOWN_ADDRESSES:
            raise
        _log.warning("no code for a reset", account_id=str(account_id), reason=str(error.reason))
        return None


async def _send_code(context: Context, command: StartPasswordReset, account_id: UUID) -> tuple[UUID, UUID] | None:
    contacts = await context.identity.get_contacts(account_id, masked_only=False)
    email = contacts.by(Channel.EMAIL)
    if email is None:
        return None
    new = NewChallenge(
        request_id=step_id(command.request_id, "code"),
        account_id=account_id,
        asker=command.client,
        purpose=Purpose.PASSWORD_RESET,
        channel=Channel.EMAIL,
        destination=email.destination,
        language=contacts.language,
    )
    return account_id, (await context.challenge.create_challenge(new)).challenge_id


async def _pretend(context: Context, command: StartPasswordReset) -> None:
    """Touch what a known address touches, so that an outage shows for every address or for none."""
    account_id, challenge_id = step_id(command.request_id, "no account"), step_id(command.request_id, "no challenge")
    try:
        await context.challenge.get_challenge(account_id, challenge_id)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise

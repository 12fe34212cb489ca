"""StartPasswordReset: a code for a new password, to an address that may have an account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.gateway.clients.challenge import NewChallenge
from services.gateway.domain.records import Channel, Client
from services.gateway.domain.verification import Proof, Purpose
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.proofs import alike, keep_proof


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
        account_id = await context.identity.find_account(command.email)
        return await keep_proof(
            context,
            request_id=command.request_id,
            body_digest=command.body_digest,
            purpose=Purpose.PASSWORD_RESET,
            client=command.client,
            sent=await _send(context, command, account_id) if account_id else None,
        )


async def _send(context: Context, command: StartPasswordReset, account_id: UUID) -> tuple[UUID, UUID] | None:
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

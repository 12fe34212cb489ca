"""SignUp: begin an account, and send a code to its address."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.gateway.clients.challenge import NewChallenge, Notice
from services.gateway.clients.identity import NewAccount, PendingAccount
from services.gateway.domain.records import Channel, Client
from services.gateway.domain.verification import NoticeKind, Proof, Purpose, requester_of
from services.gateway.use_cases.alike import alike
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.proofs import keep_proof, kept_proof


@dataclass(frozen=True, kw_only=True, slots=True)
class SignUp:
    """Somebody wants an account; with ``new.move``, one to which a profile moves."""

    new: NewAccount
    body_digest: bytes
    client: Client


async def sign_up(context: Context, command: SignUp) -> Proof:
    """What waits for the code. A taken address gets a notice in place of a code; the asker cannot tell, nor by asking
    again: a repeat is answered from what is kept here, once identity has seen that the password is the same.
    """
    async with alike(context):
        request_id, digest, purpose = command.new.request_id, command.body_digest, Purpose.SIGN_UP
        pending = await context.identity.create_account(command.new)
        kept = await kept_proof(context, request_id=request_id, body_digest=digest, purpose=purpose)
        if kept is not None:
            return kept
        sent = await _send(context, command, pending)
        return await keep_proof(
            context,
            request_id=request_id,
            body_digest=digest,
            purpose=purpose,
            client=command.client,
            sent=sent,
            source_account_id=command.new.move[0] if command.new.move else None,
        )


async def _send(context: Context, command: SignUp, pending: PendingAccount) -> tuple[UUID, UUID] | None:
    if pending.email_taken:
        await _tell_owner_of_address(context, command, pending)
        return None
    new = NewChallenge(
        request_id=step_id(command.new.request_id, "code"),
        account_id=pending.account_id,
        asker=command.client,
        purpose=Purpose.SIGN_UP,
        channel=Channel.EMAIL,
        destination=pending.email,
        language=command.new.language,
    )
    challenge = await context.challenge.create_challenge(new)
    return pending.account_id, challenge.challenge_id


async def _tell_owner_of_address(context: Context, command: SignUp, pending: PendingAccount) -> None:
    notice = Notice(
        request_id=step_id(command.new.request_id, "code"),
        account_id=pending.account_id,
        kind=NoticeKind.ACCOUNT_EXISTS,
        email=pending.email,
        language=command.new.language,
        about=requester_of(command.client),
        event_time=context.clock.now(),
        ip_address=command.client.ip_address,
    )
    await context.challenge.notify(notice)

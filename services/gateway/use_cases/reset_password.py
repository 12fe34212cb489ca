"""ResetPassword: a new password by code; everything that ran on the old one ends."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import keyed_hash
from services.gateway.domain.records import Client
from services.gateway.domain.verification import NoticeKind, Purpose, requester_of
from services.gateway.use_cases.alike import alike
from services.gateway.use_cases.context import Context, step_id
from services.gateway.use_cases.proofs import redeem
from services.gateway.use_cases.shutting_out import Ended, end_streams_of_others, tell_owner


@dataclass(frozen=True, kw_only=True, slots=True)
class ResetPassword:
    """Somebody entered a reset code and a new password."""

    request_id: UUID
    reset_id: UUID
    code: str
    password: str
    client: Client

    def __repr__(self) -> str:
        return f"ResetPassword({self.reset_id})"


async def _set(context: Context, account_id: UUID, command: ResetPassword) -> int:
    """How many sessions ended. An account that was closed meanwhile is like one that never was."""
    try:
        return await context.identity.set_password(account_id, command.password, command.client.device_id)
    except ServiceError as error:
        if error.reason is not ErrorReason.NOT_FOUND:
            raise
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the account is closed") from error


def _tag(context: Context, password: str) -> str:
    """Part of the request's identity: the same request id with another password is another request, which finds its
    code spent."""
    return keyed_hash(context.digest_key, "reset", password).hex()


async def reset_password(context: Context, command: ResetPassword) -> Ended:
    """How much ended: every session, every stream. Raises CREDENTIALS_REJECTED, INVALID_FIELD."""
    # Before the code is spent: a password that is refused must not cost it. Any id will do, no account is looked at.
    await context.identity.check_password(command.reset_id, command.password)
    async with alike(context):
        proof = await redeem(
            context,
            request_id=step_id(command.request_id, _tag(context, command.password)),
            proof_id=command.reset_id,
            purpose=Purpose.PASSWORD_RESET,
            client=command.client,
            code=command.code,
        )
    sessions = await _set(context, proof.account_id, command)
    streams = await end_streams_of_others(context, proof.account_id, None)
    notice_id = step_id(command.request_id, "notice")
    await tell_owner(context, notice_id, proof.account_id, NoticeKind.PASSWORD_CHANGED, requester_of(command.client))
    return Ended(sessions=sessions, streams=streams)

"""SubmitCode: redeem a code, and let the device in as far as it buys."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.gateway.clients.challenge import EnteredCode
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.records import Assessment, Client, SessionState
from services.gateway.domain.verification import CodeResult, Purpose, basis_of
from services.gateway.storage import verifications
from services.gateway.use_cases import present_contacts
from services.gateway.use_cases.context import Context, resolve_usable, step_id


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitCode:
    """Somebody entered a code."""

    request_id: UUID
    session_token: str
    client: Client
    verification_id: UUID
    code: str

    def __repr__(self) -> str:
        return f"SubmitCode({self.verification_id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeAnswer:
    """What became of the code, and what the device is now."""

    result: CodeResult
    attempts_left: int
    assessment: Assessment


async def submit_code(context: Context, command: SubmitCode) -> CodeAnswer:
    """Every step can be repeated under the same request id: a lost answer costs no guess and no allowance."""
    resolved = await resolve_usable(context, command.session_token, command.client)
    account_id, session = resolved.account.account_id, resolved.session
    check = await context.challenge.verify_challenge(
        EnteredCode(
            request_id=command.request_id,
            account_id=account_id,
            challenge_id=command.verification_id,
            client=command.client,
            session_id=session.session_id,
            code=command.code,
            contacts=await present_contacts.of_anybody(context, account_id),
        )
    )
    if check.result is not CodeResult.ACCEPTED or check.challenge is None:
        assessment = await context.device_trust.assess_device(account_id, command.client, SightingKind.HEARTBEAT)
        attempts_left = check.challenge.attempts_left if check.challenge else 0
        return CodeAnswer(result=check.result, attempts_left=attempts_left, assessment=assessment)
    purpose = check.challenge.purpose
    assessment = await context.device_trust.confirm_device(
        step_id(command.request_id, "confirm"), account_id, command.client, basis_of(purpose)
    )
    if purpose is Purpose.CONFIRM_OWNER and session.state is SessionState.RESTRICTED:
        await context.identity.lift_restriction(account_id, session.session_id)
    await verifications.forget_asker(context.database, account_id, command.verification_id, context.clock.now())
    return CodeAnswer(result=check.result, attempts_left=check.challenge.attempts_left, assessment=assessment)

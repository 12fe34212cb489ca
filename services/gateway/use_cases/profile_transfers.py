"""The owner's yes to the leaving of a kids' profile, or of one with a PIN, as it is brought to CreateOwnAccount."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import EnteredCode
from services.gateway.domain.records import Client, ResolvedSession
from services.gateway.domain.verification import ChallengeState, CodeResult, Purpose
from services.gateway.storage import own_accounts
from services.gateway.use_cases import present_contacts
from services.gateway.use_cases.context import Context, step_id

YES_HOLDS: Final = timedelta(days=1)
"""How long a yes may be brought after its question was over. Ours: time to fill a form in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtYes:
    """The question that was asked, and the code; without a code a device of the household has said yes."""

    request_id: UUID
    verification_id: UUID
    code: str = field(repr=False)


def transfer_session_id(resolved: ResolvedSession) -> UUID:
    """What the question is bound to in place of the session itself, so that SubmitCode finds no such code."""
    return step_id(resolved.session.session_id, "profile transfer")


async def owner_agreed(
    context: Context, resolved: ResolvedSession, client: Client, profile_id: UUID, yes: BroughtYes
) -> bool:
    """True. Raises CREDENTIALS_REJECTED where the owner was not asked about just this, or has not agreed."""
    account_id = resolved.account.account_id
    transfers = await own_accounts.find_transfers(context.database, account_id, [yes.verification_id])
    transfer = transfers.get(yes.verification_id)
    asked = transfer is not None and (transfer.profile_id, transfer.device_id) == (profile_id, client.device_id)
    if transfer is None or not asked or transfer.expire_time <= context.clock.now():
        raise _rejected("the owner was not asked about this profile here")
    if not transfer.agreed:
        await _require_yes(context, resolved, client, yes)
        # Redeemed once, it holds for a second try: a code counts only once, and the form may have a mistake in it.
        await own_accounts.agree(context.database, account_id, yes.verification_id, context.clock.now())
    return True


async def _require_yes(context: Context, resolved: ResolvedSession, client: Client, yes: BroughtYes) -> None:
    account_id = resolved.account.account_id
    if not yes.code:
        challenge = await context.challenge.get_challenge(account_id, yes.verification_id)
        if challenge.purpose is not Purpose.PROFILE_TRANSFER or challenge.state is not ChallengeState.APPROVED:
            raise _rejected(f"{challenge.purpose} {challenge.state}")
        return
    check = await context.challenge.verify_challenge(
        EnteredCode(
            request_id=step_id(yes.request_id, "transfer"),
            account_id=account_id,
            challenge_id=yes.verification_id,
            client=client,
            session_id=transfer_session_id(resolved),
            code=yes.code,
            contacts=await present_contacts.of_owner(context, account_id),
        )
    )
    if check.result is not CodeResult.ACCEPTED:
        raise _rejected(f"code {check.result}")


def _rejected(detail: str) -> ServiceError:
    return ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail=detail)

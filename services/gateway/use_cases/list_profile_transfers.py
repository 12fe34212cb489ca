"""ListProfileTransfers: which profiles wait for the household's yes."""

from __future__ import annotations

from dataclasses import dataclass

from services.gateway.domain.records import Client, Profile
from services.gateway.domain.verification import Challenge, Purpose
from services.gateway.storage import own_accounts
from services.gateway.use_cases.context import Context, resolve_member


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileTransfer:
    """A profile that somebody wants to take along."""

    challenge: Challenge
    profile: Profile


async def list_profile_transfers(context: Context, session_token: str, client: Client) -> list[ProfileTransfer]:
    """The latest first; not what the asking device asks itself. Raises DEVICE_NOT_TRUSTED."""
    resolved, _ = await resolve_member(context, session_token, client)
    account_id = resolved.account.account_id
    pending = [
        each
        for each in await context.challenge.list_pending_challenges(account_id)
        if each.purpose is Purpose.PROFILE_TRANSFER and each.requester.device_id != client.device_id
    ]
    transfers = await own_accounts.find_transfers(context.database, account_id, [each.challenge_id for each in pending])
    found: list[ProfileTransfer] = []
    for challenge in pending:
        transfer = transfers.get(challenge.challenge_id)
        profile = resolved.profile(transfer.profile_id) if transfer else None
        if profile is not None:
            found.append(ProfileTransfer(challenge=challenge, profile=profile))
    return found

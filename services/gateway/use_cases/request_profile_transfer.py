"""RequestProfileTransfer: ask the owner whether a kids' profile, or one with a PIN, may leave."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import NewChallenge
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.records import MEMBER_STANDINGS, Channel, Client, Standing
from services.gateway.domain.verification import Challenge, Purpose
from services.gateway.storage import own_accounts
from services.gateway.storage.own_accounts import Transfer
from services.gateway.use_cases.context import Context, require_profile, resolve_live
from services.gateway.use_cases.profile_transfers import YES_HOLDS, transfer_session_id
from services.gateway.use_cases.request_verification import destination_of


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestProfileTransfer:
    """A viewer asks to take a profile along."""

    request_id: UUID
    session_token: str
    client: Client
    profile_id: UUID
    channel: Channel


async def request_profile_transfer(context: Context, command: RequestProfileTransfer) -> Challenge:
    """The question to the owner. Raises DEVICE_NOT_TRUSTED, NOT_FOUND, CHANNEL_UNAVAILABLE, LIMIT_EXCEEDED;
    STATE_CONFLICT for a primary profile, one that needs no yes, and a device of the household.
    """
    resolved = await resolve_live(context, command.session_token, command.client)
    profile = require_profile(resolved, command.profile_id)
    account_id = resolved.account.account_id
    assessment = await context.device_trust.assess_device(account_id, command.client, SightingKind.HEARTBEAT)
    if assessment.standing in (Standing.SUSPECT, Standing.REVOKED):
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    if assessment.standing in MEMBER_STANDINGS or profile.primary or not (profile.kids or profile.pin_locked):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="there is nothing to agree to")
    destination, language = await destination_of(context, account_id, command.channel)
    new = NewChallenge(
        request_id=command.request_id,
        account_id=account_id,
        asker=command.client,
        purpose=Purpose.PROFILE_TRANSFER,
        channel=command.channel,
        destination=destination,
        language=language,
        session_id=transfer_session_id(resolved),
    )
    challenge = await context.challenge.create_challenge(new)
    transfer = Transfer(
        challenge_id=challenge.challenge_id,
        profile_id=profile.profile_id,
        device_id=command.client.device_id,
        agreed=False,
        expire_time=challenge.expire_time + YES_HOLDS,
    )
    await own_accounts.keep_transfer(context.database, account_id, transfer)
    return challenge

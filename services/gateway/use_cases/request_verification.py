"""RequestVerification: ask the owner, or a device of the household, whether a device may be let in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError, not_found
from services.gateway.clients.challenge import NewChallenge
from services.gateway.clients.conversions import client_context
from services.gateway.clients.device_trust import SightingKind
from services.gateway.domain.records import (
    MEMBER_STANDINGS,
    Assessment,
    Channel,
    Client,
    ResolvedSession,
    SessionState,
    Standing,
)
from services.gateway.domain.verification import Asker, Challenge, Purpose, purpose_for
from services.gateway.storage import verifications
from services.gateway.use_cases.context import Context, require_in_good_order, resolve_usable


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestVerification:
    """A device wants to be let in. ``contact_id``: whom to send the code to; None: the owner."""

    request_id: UUID
    session_token: str
    client: Client
    channel: Channel
    contact_id: UUID | None = None


async def request_verification(context: Context, command: RequestVerification) -> Challenge:
    """The challenge that was made. What it can buy follows from the device's standing, not from the asker's wish."""
    resolved = await resolve_usable(context, command.session_token, command.client)
    account_id = resolved.account.account_id
    assessment = await context.device_trust.assess_device(account_id, command.client, SightingKind.HEARTBEAT)
    restricted = resolved.session.state is SessionState.RESTRICTED
    _require_needed(assessment, restricted=restricted)
    purpose = purpose_for(assessment.standing, restricted=restricted)
    if purpose is Purpose.CONFIRM_HOUSEHOLD:
        # A code is not to be spent where nothing plays; an owner's proof is about safety, and is taken at any time.
        require_in_good_order(resolved.account)
    return await ask(
        context, command.request_id, resolved, command.client, command.channel, purpose, command.contact_id
    )


async def ask(
    context: Context,
    request_id: UUID,
    resolved: ResolvedSession,
    client: Client,
    channel: Channel,
    purpose: Purpose,
    contact_id: UUID | None = None,
) -> Challenge:
    """Make a challenge for a device and keep, sealed, who asked.

    Raises CHANNEL_UNAVAILABLE, NOT_FOUND for a contact of another account, LIMIT_EXCEEDED.
    """
    account_id = resolved.account.account_id
    destination, language = await destination_of(context, account_id, channel, contact_id)
    new = NewChallenge(
        request_id=request_id,
        account_id=account_id,
        asker=client,
        purpose=purpose,
        channel=channel,
        destination=destination,
        language=language,
        session_id=resolved.session.session_id,
    )
    challenge = await context.challenge.create_challenge(new)
    asker = Asker(session_id=resolved.session.session_id, client=client_context(client).SerializeToString())
    await verifications.keep_asker(
        context.database, context.sealing_keys, account_id, challenge.challenge_id, asker, challenge.expire_time
    )
    return challenge


def _require_needed(assessment: Assessment, *, restricted: bool) -> None:
    needed = restricted or assessment.standing not in {*MEMBER_STANDINGS, Standing.GUEST}
    if assessment.standing is Standing.REVOKED or not needed:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"standing {assessment.standing}")
    if not restricted and not _may_ask(assessment):
        raise ServiceError(ErrorReason.ALLOWANCE_EXHAUSTED, metadata={"allowance": "guest_leases"})


def _may_ask(assessment: Assessment) -> bool:
    """Whether a code may be sent: also early, to a device that has time to verify, while a guest lease is left."""
    has_time = assessment.standing is Standing.UNCONFIRMED and assessment.expire_time is not None
    early = has_time and assessment.allowances.guest_leases_left > 0
    return assessment.can_use_code or assessment.standing is Standing.SUSPECT or early


async def destination_of(
    context: Context, account_id: UUID, channel: Channel, contact_id: UUID | None = None
) -> tuple[str, str]:
    """Where a code goes, and in which language: to somebody who has proved to receive there, or nowhere.

    Raises CHANNEL_UNAVAILABLE, NOT_FOUND for a contact of another account.
    """
    if channel is Channel.TRUSTED_DEVICE:
        return "", ""
    contacts = await context.identity.get_contacts(account_id, masked_only=False)
    contact = contacts.by(channel) if contact_id is None else contacts.find(contact_id)
    if contact is None and contact_id is not None:
        raise not_found("contact")
    if contact is None or not contact.verified or contact.channel is not channel:
        raise ServiceError(ErrorReason.CHANNEL_UNAVAILABLE, metadata={"channel": str(channel)})
    return contact.destination, contacts.language

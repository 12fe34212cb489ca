"""CreateChallenge: asks a person for a proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Challenge, ChallengeState, ChallengeView, Channel, Purpose, Requester
from services.challenge.domain.destinations import Destination, parse_destination, require_served
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.storage.deliveries import DeliveryStore
from services.challenge.storage.limits import LimitStore
from services.challenge.storage.requests import Made, Request, RequestStore
from services.challenge.use_cases.charging import charged_code, phone_range_hashes
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.messages import code_delivery

RPC: Final = "CreateChallenge"
_MATCH_DIGITS: Final = 2
_ATTEMPTS: Final = 3
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateChallenge:
    """The request. ``body`` is what tells it from another one under its id."""

    request_id: UUID
    account_id: UUID
    requester: Requester
    purpose: Purpose
    channel: Channel
    destination: str = field(repr=False)
    language: str
    ip_address: str = field(repr=False)
    session_id: UUID | None
    body: bytes = field(repr=False)


async def create_challenge(command: CreateChallenge, *, context: Context) -> ChallengeView:
    """Make a challenge with its delivery and end the one it takes the place of; a repeat gets what it made.

    Raises INVALID_FIELD, CHANNEL_UNAVAILABLE, REQUEST_ID_REUSED, LIMIT_EXCEEDED.
    """
    destination = _destination(command, context)
    request = Request(
        account_id=command.account_id,
        request_id=command.request_id,
        rpc=RPC,
        body_digest=context.keys.body_digest(RPC, command.body),
    )
    for _ in range(_ATTEMPTS):
        made = await RequestStore(context.database).find(request)
        if made is not None:
            return await context.view(command.account_id, made.challenge_id)
        context.require_channel(command.channel)
        try:
            return await _create(command, destination, request, context)
        except UniqueViolation:
            continue  # The same request, or another one of the same device, came in between.
    raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="challenges of one device, made at once")


def _destination(command: CreateChallenge, context: Context) -> Destination | None:
    if command.channel is not Channel.TRUSTED_DEVICE:
        destination = parse_destination(command.channel, command.destination)
        require_served(destination, context.policy.served_countries)
        return destination
    if command.destination:
        raise invalid_field("destination", "must be empty for a question on a device")
    return None


async def _create(
    command: CreateChallenge, destination: Destination | None, request: Request, context: Context
) -> ChallengeView:
    now = context.clock.now()
    code = context.randomness.digits(context.policy.code_digits) if destination else None
    challenge = _new_challenge(command, destination, code, now, context)
    async with charged_code(context, destination, command.ip_address, now):
        ended = await _write(challenge, destination, code, request, context)
    context.outbox_wake.set()
    for challenge_id in ended:
        context.changes.announce(command.account_id, challenge_id)
    _log.info(
        "challenge created",
        account_id=command.account_id,
        challenge_id=challenge.challenge_id,
        purpose=command.purpose,
        channel=command.channel,
        superseded=len(ended),
    )
    return await context.view_of(challenge)


def _new_challenge(
    command: CreateChallenge, destination: Destination | None, code: str | None, now: datetime, context: Context
) -> Challenge:
    challenge_id, policy, keys = context.ids.new(), context.policy, context.keys
    return Challenge(
        account_id=command.account_id,
        challenge_id=challenge_id,
        purpose=command.purpose,
        channel=command.channel,
        state=ChallengeState.PENDING,
        requester=command.requester,
        language=command.language,
        masked_destination=destination.masked if destination else "",
        destination_hash=keys.destination_hash(destination.canonical) if destination else None,
        match_number="" if destination else context.randomness.digits(_MATCH_DIGITS),
        sealed_code=keys.seal_code(command.account_id, challenge_id, code) if code else None,
        session_id=command.session_id,
        phone_range_hashes=phone_range_hashes(context, destination),
        attempts_left=policy.attempts_per_code if code else 0,
        create_time=now,
        expire_time=now + (policy.code_lifetime if code else policy.approval_lifetime),
    )


async def _write(
    challenge: Challenge, destination: Destination | None, code: str | None, request: Request, context: Context
) -> list[UUID]:
    """All of it in one transaction; the ids of the challenges that ended."""
    now, account_id, policy = challenge.create_time, challenge.account_id, context.policy
    code_hash = context.keys.code_hash(challenge.challenge_id, code) if code else None
    async with context.database.transaction() as transaction:
        limits, challenges = LimitStore(transaction), ChallengeStore(transaction)
        if destination:
            await limits.charge_account(account_id, "message", policy.sends_per_account, now)
        else:
            await limits.charge_account(account_id, "approval", policy.approvals_per_account, now)
        ended = await challenges.supersede(account_id, challenge.requester.device_id, challenge.purpose, now)
        await challenges.insert(challenge, code_hash)
        if destination:
            delivery = code_delivery(challenge, destination, message_id=None, now=now, context=context)
            await DeliveryStore(transaction).insert(delivery)
        await RequestStore(transaction).insert(request, Made(challenge_id=challenge.challenge_id), now)
    return ended

"""ResendChallenge: sends the same code again."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Challenge, ChallengeView, Channel
from services.challenge.domain.destinations import Destination, parse_destination
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.storage.deliveries import DeliveryStore, NewDelivery
from services.challenge.storage.limits import LimitStore
from services.challenge.storage.requests import Made, Request, RequestStore
from services.challenge.use_cases.charging import charged_code
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.messages import code_delivery

RPC: Final = "ResendChallenge"
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResendChallenge:
    """The request. ``body`` is what tells it from another one under its id."""

    request_id: UUID
    account_id: UUID
    challenge_id: UUID
    destination: str = field(repr=False)
    ip_address: str = field(repr=False)
    body: bytes = field(repr=False)


async def resend_challenge(command: ResendChallenge, *, context: Context) -> ChallengeView:
    """Queue the code once more, under the first message's id; a repeat queues nothing.

    Raises NOT_FOUND, STATE_CONFLICT, INVALID_FIELD, CHANNEL_UNAVAILABLE, REQUEST_ID_REUSED, LIMIT_EXCEEDED.
    """
    request = Request(
        account_id=command.account_id,
        request_id=command.request_id,
        rpc=RPC,
        body_digest=context.keys.body_digest(RPC, command.body),
    )
    if await RequestStore(context.database).find(request) is None:
        await _resend(command, request, context)
    return await context.view(command.account_id, command.challenge_id)


async def _resend(command: ResendChallenge, request: Request, context: Context) -> None:
    now = context.clock.now()
    challenge = await ChallengeStore(context.database).find(command.account_id, command.challenge_id)
    if challenge is None:
        raise not_found("challenge")
    destination = _destination(command, challenge, now, context)
    first = (await DeliveryStore(context.database).of_challenges(command.account_id, [command.challenge_id]))[0]
    delivery = code_delivery(challenge, destination, message_id=first.message_id, now=now, context=context)
    try:
        async with charged_code(context, destination, command.ip_address, now):
            await _write(delivery, request, context)
    except UniqueViolation:
        await RequestStore(context.database).find(request)  # The same id came in between: was it the same request?
        return
    context.outbox_wake.set()
    _log.info("challenge sent again", account_id=command.account_id, challenge_id=command.challenge_id)


def _destination(command: ResendChallenge, challenge: Challenge, now: datetime, context: Context) -> Destination:
    if challenge.channel is Channel.TRUSTED_DEVICE or not challenge.is_pending(now):
        state = challenge.state_at(now)
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"challenge {state}", metadata={"state": state.name})
    destination = parse_destination(challenge.channel, command.destination)
    hashed = context.keys.destination_hash(destination.canonical)
    if not hmac.compare_digest(hashed, challenge.destination_hash or b""):
        raise invalid_field("destination", "must be the one that the challenge was made with")
    context.require_channel(challenge.channel)
    return destination


async def _write(delivery: NewDelivery, request: Request, context: Context) -> None:
    limit, now = context.policy.sends_per_account, delivery.create_time
    async with context.database.transaction() as transaction:
        await LimitStore(transaction).charge_account(delivery.account_id, "message", limit, now)
        await DeliveryStore(transaction).insert(delivery)
        made = Made(challenge_id=delivery.challenge_id, delivery_id=delivery.delivery_id)
        await RequestStore(transaction).insert(request, made, now)

"""How a message is put into the queue: its kind, and parameters without anything secret."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.challenge.domain.challenge import Challenge, Requester
from services.challenge.domain.destinations import Destination
from services.challenge.storage.deliveries import NewDelivery
from services.challenge.use_cases.context import Context


def code_delivery(
    challenge: Challenge, destination: Destination, *, message_id: UUID | None, now: datetime, context: Context
) -> NewDelivery:
    """The message that carries a challenge's code; ``message_id`` is the first one's, None for the first itself."""
    delivery_id = context.ids.new()
    return NewDelivery(
        account_id=challenge.account_id,
        delivery_id=delivery_id,
        challenge_id=challenge.challenge_id,
        message_id=message_id or delivery_id,
        kind=f"code_{challenge.purpose}",
        channel=challenge.channel,
        language=challenge.language,
        parameters=requester_parameters(challenge.requester),
        sealed_destination=context.keys.seal_destination(challenge.account_id, delivery_id, destination.address),
        create_time=now,
        expire_time=challenge.expire_time,
    )


def requester_parameters(requester: Requester | None) -> dict[str, str]:
    """What a message says about a device."""
    if requester is None:
        return {}
    return {
        "device_kind": requester.device_kind,
        "device_name": requester.device_name,
        "country_code": requester.country_code,
    }

"""Notify: tells an owner what happened to the account."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import invalid_field, not_found
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Channel, Delivery, NoticeKind, Requester
from services.challenge.domain.destinations import Destination, parse_destination, require_served
from services.challenge.storage.deliveries import SEALED_DISOWN_TOKEN, DeliveryStore, NewDelivery
from services.challenge.storage.requests import Made, Request, RequestStore
from services.challenge.storage.suppressions import SuppressionStore
from services.challenge.use_cases.charging import charged_code, charged_notice
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.messages import requester_parameters

RPC: Final = "Notify"
# Strangers cause these, and a code for the same address would be counted: alike for known and unknown addresses.
# An invitation goes to whomever a host names, so it is counted as well.
_LIMITED: Final = frozenset({NoticeKind.ACCOUNT_EXISTS, NoticeKind.MEMBER_INVITED})
_ABOUT_A_DEVICE: Final = frozenset(
    {
        NoticeKind.NEW_SIGN_IN,
        NoticeKind.SIGN_IN_STOPPED,
        NoticeKind.DEVICE_SHUT_OUT,
        NoticeKind.DEADLINE_COMING,
        NoticeKind.MEMBERSHIP_REQUESTED,
    }
)
_ABOUT_A_MOMENT: Final = frozenset({NoticeKind.DEADLINE_COMING, NoticeKind.MEMBER_INVITED, NoticeKind.ACCOUNT_ERASURE})
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notify:
    """The request. ``body`` is what tells it from another one under its id."""

    request_id: UUID
    account_id: UUID
    kind: NoticeKind
    channel: Channel
    destination: str = field(repr=False)
    language: str
    requester: Requester | None
    event_time: datetime
    due_time: datetime | None
    ip_address: str = field(repr=False)
    disown_token: str = field(default="", repr=False)
    body: bytes = field(repr=False)
    invitation_token: str = field(default="", repr=False)


async def notify(command: Notify, *, context: Context) -> Delivery:
    """Queue a notice; a repeat gets the one that is there. One that its address does not get is kept as SUPPRESSED.

    Raises INVALID_FIELD, CHANNEL_UNAVAILABLE, REQUEST_ID_REUSED, LIMIT_EXCEEDED.
    """
    destination = parse_destination(command.channel, command.destination)
    require_served(destination, context.policy.served_countries)
    _check_content(command)
    request = Request(
        account_id=command.account_id,
        request_id=command.request_id,
        rpc=RPC,
        body_digest=context.keys.body_digest(RPC, command.body),
    )
    made = await RequestStore(context.database).find(request)
    if made is None:
        context.require_channel(command.channel)
        made = await _queue(command, destination, request, context)
    delivery = await DeliveryStore(context.database).find(command.account_id, made.delivery_id or command.request_id)
    if delivery is None:
        raise not_found("delivery")
    return delivery


def _check_content(command: Notify) -> None:
    if command.kind in _ABOUT_A_DEVICE and command.requester is None:
        raise invalid_field("requester", "must be given for this kind")
    if command.kind in _ABOUT_A_MOMENT and command.due_time is None:
        raise invalid_field("due_time", "must be given for this kind")
    if (command.kind is NoticeKind.MEMBER_INVITED) != bool(command.invitation_token):
        raise invalid_field("invitation_token", "must be given for invitations, and for them alone")


async def _queue(command: Notify, destination: Destination, request: Request, context: Context) -> Made:
    now = context.clock.now()
    hashed = context.keys.destination_hash(destination.canonical)
    suppressed = await SuppressionStore(context.database).reason(hashed, command.kind, now)
    delivery = _delivery(command, destination, suppressed, now, context)
    made = Made(delivery_id=delivery.delivery_id)
    try:
        await _write(command, destination, delivery, request, context)
    except UniqueViolation:
        earlier = await RequestStore(context.database).find(request)
        if earlier is None:
            raise
        return earlier
    context.outbox_wake.set()
    _log.info(
        "notice suppressed" if suppressed else "notice queued",
        account_id=command.account_id,
        delivery_id=delivery.delivery_id,
        kind=command.kind,
    )
    return made


async def _write(
    command: Notify, destination: Destination, delivery: NewDelivery, request: Request, context: Context
) -> None:
    now, made = delivery.create_time, Made(delivery_id=delivery.delivery_id)
    charged = charged_code if command.kind in _LIMITED else charged_notice
    async with (
        charged(context, destination, command.ip_address, now),
        context.database.transaction() as transaction,
    ):
        await RequestStore(transaction).insert(request, made, now)
        await DeliveryStore(transaction).insert(delivery)


def _delivery(
    command: Notify, destination: Destination, suppressed: str, now: datetime, context: Context
) -> NewDelivery:
    delivery_id = context.ids.new()
    sealed = context.keys.seal_destination(command.account_id, delivery_id, destination.address)
    parameters = requester_parameters(command.requester) | {"event_time": command.event_time.isoformat()}
    if command.due_time is not None:
        parameters["due_time"] = command.due_time.isoformat()
    # In emails alone: a text is read on locked screens, and by whoever holds the phone.
    if command.disown_token and command.channel is Channel.EMAIL and not suppressed:
        token = context.keys.seal_disown_token(command.account_id, delivery_id, command.disown_token)
        parameters[SEALED_DISOWN_TOKEN] = token
    if command.invitation_token and not suppressed:
        invitation = context.keys.seal_invitation(command.account_id, delivery_id, command.invitation_token)
        parameters["sealed_invitation"] = b64encode(invitation).decode()
    return NewDelivery(
        account_id=command.account_id,
        delivery_id=delivery_id,
        challenge_id=None,
        message_id=delivery_id,
        kind=command.kind,
        channel=command.channel,
        language=command.language,
        parameters=parameters,
        sealed_destination=None if suppressed else sealed,
        create_time=now,
        expire_time=now + context.policy.notice_lifetime,
        suppressed=suppressed,
    )

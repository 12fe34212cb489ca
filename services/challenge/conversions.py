"""Between the contract's messages and the domain's records. Enum members have the same names on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.common.v1 import client_context_pb2, standing_pb2
from libs.runtime.errors import invalid_field
from services.challenge.domain.challenge import (
    ChallengeView,
    Channel,
    DeadLetter,
    Delivery,
    DeliveryState,
    NoticeKind,
    Purpose,
    Requester,
)
from services.challenge.use_cases.verify_challenge import Verification

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

# What a retry may say otherwise: it may come over another network, from another country, and later.
_OF_THE_RETRY: Final = ("ip_address", "event_time", "contacts")
_MIN_YEAR: Final = 1970
_MAX_YEAR: Final = 9998

ValueT = TypeVar("ValueT", bound=int)


def body_of(request: Message) -> bytes:
    """What makes a request another one than the first under its id, as bytes that are the same for a repeat.

    Not where and when it came from. To a taken address the gateway sends a notice in place of a code: both must leave
    out the same, or a repeat tells the two apart.
    """
    copy: Any = type(request)()
    copy.CopyFrom(request)
    fields = copy.DESCRIPTOR.fields_by_name
    for name in _OF_THE_RETRY:
        if name in fields:
            copy.ClearField(name)
    if "requester" in fields and copy.HasField("requester"):
        copy.requester.ClearField("country_code")
    digested: bytes = copy.SerializeToString(deterministic=True)
    return digested


def purpose_from(value: pb.ChallengePurpose.ValueType) -> Purpose:
    """The purpose of a validated request."""
    return Purpose(_word(pb.ChallengePurpose, value, "CHALLENGE_PURPOSE_"))


def channel_from(value: standing_pb2.Channel.ValueType) -> Channel:
    """The channel of a validated request."""
    return Channel(_word(standing_pb2.Channel, value, "CHANNEL_"))


def notice_kind_from(value: pb.NoticeKind.ValueType) -> NoticeKind:
    """The notice kind of a validated request."""
    return NoticeKind(_word(pb.NoticeKind, value, "NOTICE_KIND_"))


def delivery_state_from(value: pb.DeliveryState.ValueType) -> DeliveryState:
    """The delivery state of a validated request."""
    return DeliveryState(_word(pb.DeliveryState, value, "DELIVERY_STATE_"))


def requester_from(message: pb.Requester) -> Requester:
    """Who asks. The device's public key is not kept here."""
    device = message.device
    if "\0" in device.name:
        raise invalid_field("requester.device.name", "must be text")
    return Requester(
        device_id=device.id,
        device_kind=_word(client_context_pb2.DeviceKind, device.kind, "DEVICE_KIND_"),
        device_platform=_word(client_context_pb2.Platform, device.platform, "PLATFORM_"),
        device_name=device.name,
        country_code=message.country_code,
    )


def time_from(message: Timestamp, field: str) -> datetime:
    """An aware moment. Raises INVALID_FIELD for one that no calendar has."""
    try:
        moment = message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid_field(field, "must be a moment of this calendar") from None
    if not _MIN_YEAR <= moment.year <= _MAX_YEAR:
        raise invalid_field(field, "must be a moment of this calendar")
    return moment


def challenge_to(view: ChallengeView) -> pb.Challenge:
    """The contract's challenge."""
    challenge = view.challenge
    return pb.Challenge(
        challenge_id=str(challenge.challenge_id),
        account_id=str(challenge.account_id),
        purpose=_value(pb.ChallengePurpose, "CHALLENGE_PURPOSE_", challenge.purpose),
        channel=_value(standing_pb2.Channel, "CHANNEL_", challenge.channel),
        masked_destination=challenge.masked_destination,
        state=_value(pb.ChallengeState, "CHALLENGE_STATE_", view.state),
        attempts_left=challenge.attempts_left,
        create_time=_timestamp(challenge.create_time),
        expire_time=_timestamp(challenge.expire_time),
        requester=_requester_to(challenge.requester),
        match_number=challenge.match_number,
        deliveries=[delivery_to(each) for each in view.deliveries],
        other_channel_advised=view.other_channel_advised,
    )


def challenges_to(views: Iterable[ChallengeView]) -> list[pb.Challenge]:
    """The contract's challenges, in the same order."""
    return [challenge_to(view) for view in views]


def delivery_to(delivery: Delivery) -> pb.Delivery:
    """The contract's delivery."""
    return pb.Delivery(
        delivery_id=str(delivery.delivery_id),
        channel=_value(standing_pb2.Channel, "CHANNEL_", delivery.channel),
        state=_value(pb.DeliveryState, "DELIVERY_STATE_", delivery.state),
        attempt_count=delivery.attempt_count,
        update_time=_timestamp(delivery.update_time),
        provider=delivery.provider,
        last_failure=delivery.last_failure,
    )


def dead_letter_to(letter: DeadLetter) -> pb.DeadLetter:
    """The contract's dead letter."""
    return pb.DeadLetter(
        account_id=str(letter.account_id),
        delivery=delivery_to(letter.delivery),
        kind=letter.kind,
        create_time=_timestamp(letter.create_time),
    )


def notice_kind_to(kind: NoticeKind) -> pb.NoticeKind.ValueType:
    """The contract's notice kind."""
    return _value(pb.NoticeKind, "NOTICE_KIND_", kind)


def verification_to(verification: Verification) -> pb.VerifyChallengeResponse:
    """The contract's answer about a code."""
    view = verification.view
    return pb.VerifyChallengeResponse(
        result=_value(pb.VerificationResult, "VERIFICATION_RESULT_", verification.result),
        challenge=challenge_to(view) if view else None,
    )


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _requester_to(requester: Requester) -> pb.Requester:
    return pb.Requester(
        device=client_context_pb2.Device(
            id=requester.device_id,
            kind=_value(client_context_pb2.DeviceKind, "DEVICE_KIND_", requester.device_kind),
            name=requester.device_name,
            platform=_value(client_context_pb2.Platform, "PLATFORM_", requester.device_platform),
        ),
        country_code=requester.country_code,
    )


def _word(enum: _EnumTypeWrapper[ValueT], value: ValueT, prefix: str) -> str:
    return enum.Name(value).removeprefix(prefix).lower()


def _value(enum: _EnumTypeWrapper[ValueT], prefix: str, word: str) -> ValueT:
    return enum.Value(prefix + word.upper())

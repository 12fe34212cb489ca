"""Between the leaves' messages and the gateway's records."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.challenge.v1 import challenge_service_pb2 as challenge_pb
from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.common.v1 import standing_pb2, video_quality_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as trust_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from services.gateway.domain.records import (
    Account,
    AccountState,
    Allowances,
    Assessment,
    Channel,
    Client,
    Contact,
    Contacts,
    Credentials,
    Plan,
    Profile,
    Quality,
    ResolvedSession,
    Session,
    SessionEndReason,
    SessionState,
    Standing,
)
from services.gateway.domain.verification import Challenge, ChallengeState, Purpose, Requester

EnumT = TypeVar("EnumT", bound=StrEnum)


def from_enum(target: type[EnumT], wire: Any, prefix: str, number: int) -> EnumT:
    """The member of ``target`` that an enum value names, less its prefix. Raises ValueError for one it lacks."""
    return target(wire.Name(number).removeprefix(prefix))


def to_enum(wire: Any, prefix: str, member: StrEnum) -> Any:
    """The enum value of that name."""
    return wire.Value(prefix + member)


def moment(timestamp: Timestamp) -> datetime:
    """A timestamp as an aware datetime in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def timestamp(value: datetime | None) -> Timestamp | None:
    """A datetime as a timestamp; None stays None."""
    if value is None:
        return None
    result = Timestamp()
    result.FromDatetime(value)
    return result


def account(message: identity_pb.Account) -> Account:
    """An account as identity tells it."""
    plan = Plan(
        plan_id=message.plan.plan_id,
        max_streams=message.plan.max_streams,
        max_download_devices=message.plan.max_download_devices,
        quality=quality(message.plan.quality),
    )
    return Account(
        account_id=UUID(message.account_id),
        state=from_enum(AccountState, identity_pb.AccountState, "ACCOUNT_STATE_", message.state),
        plan=plan,
        country_code=message.country_code,
        language=message.language,
        free_member_slots=message.free_extra_member_slots,
        host_account_id=UUID(message.host_account_id) if message.host_account_id else None,
    )


def quality(number: video_quality_pb2.VideoQuality.ValueType) -> Quality:
    """A picture by its number; HD where it is not told."""
    if number == video_quality_pb2.VIDEO_QUALITY_UNSPECIFIED:
        return Quality.HD
    return from_enum(Quality, video_quality_pb2.VideoQuality, "VIDEO_QUALITY_", number)


def profile(message: identity_pb.Profile) -> Profile:
    """A profile as identity tells it."""
    return Profile(
        profile_id=UUID(message.profile_id),
        name=message.name,
        maturity_age=message.maturity_age,
        primary=message.primary,
        kids=message.kids,
        pin_locked=message.pin_locked,
    )


def session(message: identity_pb.Session) -> Session:
    """A session as identity tells it."""
    ended = message.end_reason != identity_pb.SESSION_END_REASON_UNSPECIFIED
    reason = SessionEndReason.NONE
    if ended:
        reason = from_enum(SessionEndReason, identity_pb.SessionEndReason, "SESSION_END_REASON_", message.end_reason)
    return Session(
        session_id=UUID(message.session_id),
        account_id=UUID(message.account_id),
        device_id=message.device_id,
        state=from_enum(SessionState, identity_pb.SessionState, "SESSION_STATE_", message.state),
        end_reason=reason,
    )


def resolved_session(message: identity_pb.ResolveSessionResponse) -> ResolvedSession:
    """What stands behind a session token."""
    return ResolvedSession(
        session=session(message.session),
        account=account(message.account),
        profiles=tuple(profile(each) for each in message.profiles),
    )


def credentials(message: identity_pb.SessionTokens) -> Credentials:
    """A session's secrets."""
    return Credentials(
        session_token=message.session_token,
        session_expire_time=moment(message.session_expire_time),
        refresh_token=message.refresh_token,
        refresh_expire_time=moment(message.refresh_expire_time),
    )


def contacts(message: identity_pb.GetContactsResponse) -> Contacts:
    """How the owner and the approvers are reached."""
    return Contacts(contacts=tuple(contact(each) for each in message.contacts), language=message.language)


def contact(message: identity_pb.Contact) -> Contact:
    """A way to reach somebody, as identity tells it."""
    return Contact(
        contact_id=UUID(message.contact_id),
        channel=from_enum(Channel, standing_pb2.Channel, "CHANNEL_", message.channel),
        destination=message.destination,
        masked_destination=message.masked_destination,
        verified=message.verified,
        approver=message.role == identity_pb.CONTACT_ROLE_APPROVER,
    )


def allowances(message: standing_pb2.Allowances) -> Allowances:
    """What an account has left."""
    return Allowances(
        deferrals_left=message.deferrals_left,
        guest_leases_left=message.guest_leases_left,
        travel_days_left=message.travel_days_left,
    )


def standing(number: standing_pb2.Standing.ValueType) -> Standing:
    """A standing by its number."""
    return from_enum(Standing, standing_pb2.Standing, "STANDING_", number)


def assessment(message: trust_pb.Assessment) -> Assessment:
    """What a device is to an account."""
    return Assessment(
        standing=standing(message.standing),
        expire_time=moment(message.expire_time) if message.HasField("expire_time") else None,
        can_defer=message.can_defer,
        can_use_code=message.can_use_code,
        allowances=allowances(message.allowances),
        known_device=message.known_device,
        policy_version=message.policy_version,
    )


def client_context(client: Client) -> context_pb.ClientContext:
    """A client as the leaves are told of it."""
    return context_pb.ClientContext(
        ip_address=client.ip_address,
        device=context_pb.Device(
            id=client.device_id,
            kind=client.device_kind,  # type: ignore[arg-type]  # a number that came in as this enum's
            name=client.device_name,
            platform=client.platform,  # type: ignore[arg-type]  # likewise
            public_key=client.public_key,
        ),
        country_code=client.country_code,
        language=client.language,
        asn=client.asn,
    )


def client(message: context_pb.ClientContext) -> Client:
    """A client as the edge told of it."""
    return Client(
        ip_address=message.ip_address,
        device_id=message.device.id,
        device_kind=message.device.kind,
        device_name=message.device.name,
        platform=message.device.platform,
        public_key=message.device.public_key,
        country_code=message.country_code,
        language=message.language,
        asn=message.asn,
    )


def requester(asker: Requester) -> challenge_pb.Requester:
    """Who asks, as the deciding person is to see it: without its address."""
    device = context_pb.Device(id=asker.device_id, name=asker.device_name)
    device.kind = asker.device_kind  # type: ignore[assignment]  # a number that came in as this enum's
    device.platform = asker.platform  # type: ignore[assignment]  # likewise
    return challenge_pb.Requester(device=device, country_code=asker.country_code)


def challenge(message: challenge_pb.Challenge) -> Challenge:
    """A challenge as the challenge service tells it."""
    device = message.requester.device
    return Challenge(
        challenge_id=UUID(message.challenge_id),
        account_id=UUID(message.account_id),
        purpose=from_enum(Purpose, challenge_pb.ChallengePurpose, "CHALLENGE_PURPOSE_", message.purpose),
        channel=from_enum(Channel, standing_pb2.Channel, "CHANNEL_", message.channel),
        masked_destination=message.masked_destination,
        state=from_enum(ChallengeState, challenge_pb.ChallengeState, "CHALLENGE_STATE_", message.state),
        attempts_left=message.attempts_left,
        create_time=moment(message.create_time),
        expire_time=moment(message.expire_time),
        requester=Requester(
            device_id=device.id,
            device_kind=device.kind,
            device_name=device.name,
            platform=device.platform,
            country_code=message.requester.country_code,
        ),
        match_number=message.match_number,
        other_channel_advised=message.other_channel_advised,
    )

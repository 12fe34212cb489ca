"""Proto <-> domain, without rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import standing_pb2, video_quality_pb2
from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.ids import parse_uuid
from services.identity.domain.account import Account, AccountState, Plan, ProfileMove
from services.identity.domain.contact import Channel, Contact
from services.identity.domain.device_key import KeyProof, check_device_key
from services.identity.domain.profile import Profile
from services.identity.domain.session import EndReason, Session
from services.identity.use_cases.create_account import NewAccount
from services.identity.use_cases.end_sessions import AllSessions, DeviceSessions, OneSession, Which
from services.identity.use_cases.open_session import NewSession, OpenedSession
from services.identity.use_cases.refresh_session import Refresh

_CHANNELS: Final = {Channel.EMAIL: standing_pb2.CHANNEL_EMAIL, Channel.TEXT: standing_pb2.CHANNEL_TEXT}


def new_account(request: pb.CreateAccountRequest) -> NewAccount:
    """What a CreateAccount says."""
    return NewAccount(
        request_id=parse_uuid(request.request_id, "request_id"),
        email=request.email,
        phone=request.phone,
        password=request.password,
        country_code=request.country_code,
        language=request.language,
        profile_name=request.profile_name,
        plan_id=request.plan_id,
        profile_move=_profile_move(request.profile_move) if request.HasField("profile_move") else None,
        invitation_token=request.invitation_token,
    )


def which_sessions(request: pb.EndSessionsRequest) -> Which:
    """Which sessions an EndSessions means."""
    match request.WhichOneof("which"):
        case "session_id":
            return OneSession(session_id=parse_uuid(request.session_id, "session_id"))
        case "device_id":
            return DeviceSessions(device_id=request.device_id)
    if not request.except_session_id:
        return AllSessions()
    return AllSessions(except_id=parse_uuid(request.except_session_id, "except_session_id"))


def end_reason(value: pb.SessionEndReason.ValueType) -> EndReason:
    """The reason that an enum's value stands for."""
    return EndReason(pb.SessionEndReason.Name(value).removeprefix("SESSION_END_REASON_"))


def account_state(value: pb.AccountState.ValueType) -> AccountState:
    """The state that an enum's value stands for."""
    return AccountState(pb.AccountState.Name(value).removeprefix("ACCOUNT_STATE_"))


def account_message(account: Account) -> pb.Account:
    """An account as callers see it."""
    return pb.Account(
        account_id=str(account.account_id),
        state=pb.AccountState.Value(f"ACCOUNT_STATE_{account.effective_state}"),
        plan=plan_message(account.plan),
        country_code=account.country_code,
        language=account.language,
        create_time=_timestamp(account.create_time),
        free_extra_member_slots=account.free_member_slots,
        host_account_id=str(account.host_account_id or ""),
    )


def plan_message(plan: Plan) -> pb.Plan:
    """A plan as callers see it."""
    return pb.Plan(
        plan_id=plan.plan_id,
        max_streams=plan.max_streams,
        max_download_devices=plan.max_download_devices,
        extra_member_slots=plan.extra_member_slots,
        quality=video_quality_pb2.VideoQuality.Value(f"VIDEO_QUALITY_{plan.quality}"),
    )


def profile_message(profile: Profile) -> pb.Profile:
    """A profile as callers see it."""
    return pb.Profile(
        profile_id=str(profile.profile_id),
        account_id=str(profile.account_id),
        name=profile.name,
        maturity_age=profile.maturity_age,
        primary=profile.primary,
        kids=profile.kids,
        pin_locked=profile.pin_locked,
    )


def profile_messages(profiles: Iterable[Profile]) -> list[pb.Profile]:
    """Profiles as callers see them."""
    return [profile_message(profile) for profile in profiles]


def profile_move_message(move: ProfileMove | None) -> pb.ProfileMove | None:
    """The profile that is to move in, where one is."""
    if move is None:
        return None
    return pb.ProfileMove(source_account_id=str(move.source_account_id), profile_id=str(move.profile_id))


def session_message(session: Session) -> pb.Session:
    """A session as callers see it."""
    reason = session.end_reason or "UNSPECIFIED"
    return pb.Session(
        session_id=str(session.session_id),
        account_id=str(session.account_id),
        device_id=session.device_id,
        state=pb.SessionState.Value(f"SESSION_STATE_{session.state}"),
        end_reason=pb.SessionEndReason.Value(f"SESSION_END_REASON_{reason}"),
        create_time=_timestamp(session.create_time),
        key_bound=session.device_key is not None,
    )


def tokens_message(opened: OpenedSession) -> pb.SessionTokens | None:
    """The secrets of a session, where it has any."""
    tokens = opened.tokens
    if tokens is None:
        return None
    return pb.SessionTokens(
        session_token=opened.session_token,
        session_expire_time=_timestamp(tokens.session_expire_time),
        refresh_token=tokens.refresh_token.encode(),
        refresh_expire_time=_timestamp(tokens.refresh_expire_time),
    )


def new_session(request: pb.OpenSessionRequest) -> NewSession:
    """What an OpenSession says. Raises INVALID_FIELD for a device key that is none."""
    return NewSession(
        request_id=parse_uuid(request.request_id, "request_id"),
        account_id=parse_uuid(request.account_id, "account_id"),
        device_id=request.device_id,
        restricted=request.restricted,
        device_key=check_device_key(request.device_public_key),
        credential_version=request.credential_version or None,
    )


def refresh(request: pb.RefreshSessionRequest) -> Refresh:
    """What a RefreshSession says."""
    proof = None
    if request.HasField("key_proof"):
        proof = KeyProof(nonce=request.key_proof.nonce, signature=request.key_proof.signature)
    return Refresh(
        refresh_token=request.refresh_token,
        device_id=request.device_id,
        request_id=parse_uuid(request.request_id, "request_id") if request.request_id else None,
        key_proof=proof,
    )


def contact_message(contact: Contact, *, masked_only: bool) -> pb.Contact:
    """A contact as callers see it."""
    return pb.Contact(
        channel=_CHANNELS[contact.channel],
        destination="" if masked_only else contact.destination,
        masked_destination=contact.masked,
        verified=contact.verified,
        contact_id=str(contact.contact_id),
        role=pb.ContactRole.Value(f"CONTACT_ROLE_{contact.role}"),
        name=contact.name,
    )


def _profile_move(message: pb.ProfileMove) -> ProfileMove:
    return ProfileMove(
        source_account_id=parse_uuid(message.source_account_id, "profile_move.source_account_id"),
        profile_id=parse_uuid(message.profile_id, "profile_move.profile_id"),
    )


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message

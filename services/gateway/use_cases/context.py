"""What the gateway's use cases work with, and the first steps that several of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import jwt
from google.protobuf.message import Message

from libs.persistence.database import Database
from libs.rollout.experiment import Assignment, Experiment, assign
from libs.runtime.clock import Clock
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.ids import Ids
from libs.runtime.keys import SealingKeys, keyed_hash
from services.gateway.clients.challenge import ChallengeClient
from services.gateway.clients.contacts import ContactsClient
from services.gateway.clients.device_trust import DeviceTrustClient, Sighting, SightingKind
from services.gateway.clients.download_planning import DownloadPlanningClient
from services.gateway.clients.identity import IdentityClient
from services.gateway.clients.members import MemberClient
from services.gateway.clients.passwords import PasswordClient
from services.gateway.clients.privacy import PrivacyClient
from services.gateway.clients.profiles import ProfileClient
from services.gateway.clients.protection import ProtectionClient
from services.gateway.disown_tokens import DisownTokens
from services.gateway.domain.erasure import ErasurePolicy
from services.gateway.domain.lease import LeasePolicy
from services.gateway.domain.own_account import OwnAccountPolicy
from services.gateway.domain.records import (
    MEMBER_STANDINGS,
    Account,
    AccountState,
    Assessment,
    Client,
    Profile,
    ResolvedSession,
    SessionState,
)
from services.gateway.epochs import Epochs
from services.gateway.grants import Grants
from services.gateway.languages import Languages
from services.gateway.notices import NoticeOutbox
from services.gateway.sightings import SightingRecorder


def _nothing(_: str) -> None:
    """What a gateway does between the steps of an own account; tests end it there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Everything a use case may need; made once, in ``main.py``."""

    database: Database
    clock: Clock
    ids: Ids
    identity: IdentityClient
    contacts: ContactsClient
    profiles: ProfileClient
    passwords: PasswordClient
    device_trust: DeviceTrustClient
    members: MemberClient
    challenge: ChallengeClient
    download_planning: DownloadPlanningClient
    privacy: PrivacyClient
    grants: Grants
    sealing_keys: SealingKeys
    digest_key: bytes
    sightings: SightingRecorder
    experiment: Experiment
    lease_policy: LeasePolicy
    policy_version: str
    alike_seconds: float
    protection: ProtectionClient
    notices: NoticeOutbox
    epochs: Epochs
    disown_tokens: DisownTokens
    own_accounts: OwnAccountPolicy
    erasure_policy: ErasurePolicy
    languages: Languages
    after_step: Callable[[str], None] = _nothing
    erasure_wake: asyncio.Event = field(default_factory=asyncio.Event)

    def body_digest(self, request: Message) -> bytes:
        """Tells one request's body from another's, without its secrets and without where it came from.

        Keyed, so that addresses in a request cannot be guessed from it. A retry may come over another network, and so
        from another country. Challenge, which keeps digests of its own, leaves out the same.
        """
        copy = type(request)()
        copy.CopyFrom(request)
        for name in ("session_token", "password"):
            if name in copy.DESCRIPTOR.fields_by_name:
                copy.ClearField(name)
        client = getattr(copy, "client", None)
        if client is not None:
            for name in ("ip_address", "asn", "country_code"):
                client.ClearField(name)
        return keyed_hash(self.digest_key, copy.DESCRIPTOR.full_name, copy.SerializeToString(deterministic=True))

    def assignment(self, account: Account, platform: str) -> Assignment:
        """The account's cell in the sharing check."""
        return assign(self.experiment, account.account_id, account.country_code, platform)

    def saw(self, kind: SightingKind, account_id: UUID, client: Client, profile_id: UUID | None) -> None:
        """Let device_trust know, in its own time."""
        self.sightings.record(self.sighting(kind, account_id, client, profile_id))

    def sighting(self, kind: SightingKind, account_id: UUID, client: Client, profile_id: UUID | None) -> Sighting:
        """A sighting of now."""
        return Sighting(
            sighting_id=self.ids.new(),
            account_id=account_id,
            profile_id=profile_id,
            kind=kind,
            event_time=self.clock.now(),
            client=client,
        )


def step_id(request_id: UUID, step: str) -> UUID:
    """The request id of one step within a request: the same at each repeat."""
    return uuid5(request_id, step)


def account_hint(session_token: str) -> UUID:
    """The account that a token names, before identity vouches for it. Raises SESSION_UNKNOWN."""
    try:
        claims = jwt.decode(session_token, options={"verify_signature": False})
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError, AttributeError):
        raise session_unknown("malformed token") from None


def session_unknown(detail: str) -> ServiceError:
    """The error for a token with no session behind it on this device."""
    return ServiceError(ErrorReason.SESSION_UNKNOWN, detail=detail)


async def resolve(context: Context, session_token: str, client: Client) -> ResolvedSession:
    """What stands behind a token, which may be over. Raises SESSION_UNKNOWN, also on a device it was not made for."""
    account_hint(session_token)
    resolved = await context.identity.resolve_session(session_token)
    if resolved.session.device_id != client.device_id:
        raise session_unknown("token on another device")
    return resolved


async def resolve_usable(context: Context, session_token: str, client: Client) -> ResolvedSession:
    """As :func:`resolve`, for a session that may at least prove itself. Raises SESSION_UNKNOWN for one that is over."""
    resolved = await resolve(context, session_token, client)
    if resolved.session.state is SessionState.ENDED:
        raise session_unknown("session ended")
    return resolved


async def resolve_live(context: Context, session_token: str, client: Client) -> ResolvedSession:
    """As :func:`resolve_usable`, for a full session. Raises DEVICE_NOT_TRUSTED for one that has yet to prove itself."""
    resolved = await resolve_usable(context, session_token, client)
    if resolved.session.state is SessionState.RESTRICTED:
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail="session is restricted")
    return resolved


async def resolve_member(
    context: Context, session_token: str, client: Client, kind: SightingKind = SightingKind.HEARTBEAT
) -> tuple[ResolvedSession, Assessment]:
    """As :func:`resolve_live`, for a device of the household. Raises DEVICE_NOT_TRUSTED for any other."""
    resolved = await resolve_live(context, session_token, client)
    assessment = await context.device_trust.assess_device(resolved.account.account_id, client, kind)
    if assessment.standing not in MEMBER_STANDINGS:
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {assessment.standing}")
    return resolved, assessment


def require_in_good_order(account: Account) -> None:
    """Refuse what only makes sense where something may play. Raises STATE_CONFLICT for an account that is on hold."""
    if account.state is not AccountState.ACTIVE:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account is {account.state}")


def require_profile(resolved: ResolvedSession, profile_id: UUID) -> Profile:
    """The account's profile. Raises NOT_FOUND for another account's."""
    profile = resolved.profile(profile_id)
    if profile is None:
        raise not_found("profile")
    return profile

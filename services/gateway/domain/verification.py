"""Verifications: challenges as the gateway tells devices about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.gateway.domain.records import Channel, Client, Standing


class Purpose(StrEnum):
    """What a proof is for; a proof for one purpose never serves another."""

    CONFIRM_HOUSEHOLD = "CONFIRM_HOUSEHOLD"
    CONFIRM_OWNER = "CONFIRM_OWNER"
    SIGN_UP = "SIGN_UP"
    PASSWORD_RESET = "PASSWORD_RESET"
    VERIFY_CONTACT = "VERIFY_CONTACT"
    PROFILE_TRANSFER = "PROFILE_TRANSFER"


class ChallengeState(StrEnum):
    """Where a challenge stands."""

    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXHAUSTED = "EXHAUSTED"
    SUPERSEDED = "SUPERSEDED"


class CodeResult(StrEnum):
    """What became of a code."""

    ACCEPTED = "ACCEPTED"
    WRONG_CODE = "WRONG_CODE"
    EXPIRED = "EXPIRED"
    ALREADY_USED = "ALREADY_USED"
    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
    UNKNOWN = "UNKNOWN"


class Basis(StrEnum):
    """On what proof a device is let in."""

    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    HOUSEHOLD_CODE = "HOUSEHOLD_CODE"
    OWNER_CODE = "OWNER_CODE"
    TRUSTED_DEVICE = "TRUSTED_DEVICE"


class RevocationReason(StrEnum):
    """Why a device is shut out."""

    BY_OWNER = "BY_OWNER"
    NOT_ME = "NOT_ME"
    MOVED_AWAY = "MOVED_AWAY"


class NoticeKind(StrEnum):
    """What an owner is told."""

    NEW_SIGN_IN = "NEW_SIGN_IN"
    SIGN_IN_STOPPED = "SIGN_IN_STOPPED"
    DEVICE_SHUT_OUT = "DEVICE_SHUT_OUT"
    OWN_ACCOUNT_MADE = "OWN_ACCOUNT_MADE"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    ACCOUNT_ERASURE = "ACCOUNT_ERASURE"
    MEMBER_REMOVED = "MEMBER_REMOVED"
    MEMBER_INVITED = "MEMBER_INVITED"
    MEMBERSHIP_REQUESTED = "MEMBERSHIP_REQUESTED"
    OWN_ACCOUNT_UNDONE = "OWN_ACCOUNT_UNDONE"
    CONTACT_CHANGED = "CONTACT_CHANGED"
    APPROVER_ADDED = "APPROVER_ADDED"


WARNINGS: Final = frozenset(
    {NoticeKind.NEW_SIGN_IN, NoticeKind.SIGN_IN_STOPPED, NoticeKind.PASSWORD_CHANGED, NoticeKind.DEVICE_SHUT_OUT}
)
"""What may be a thief's doing: the approvers are told of it, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Requester:
    """The device that asks, as the deciding person is shown it."""

    device_id: str
    device_kind: int
    device_name: str
    platform: int
    country_code: str


def requester_of(client: Client) -> Requester:
    """A client as a deciding person is shown it."""
    return Requester(
        device_id=client.device_id,
        device_kind=client.device_kind,
        device_name=client.device_name,
        platform=client.platform,
        country_code=client.country_code,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """A proof that was asked for."""

    challenge_id: UUID
    account_id: UUID
    purpose: Purpose
    channel: Channel
    masked_destination: str
    state: ChallengeState
    attempts_left: int
    create_time: datetime
    expire_time: datetime
    requester: Requester
    match_number: str
    other_channel_advised: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeCheck:
    """The answer to an entered code; ``challenge`` is None when it is unknown."""

    result: CodeResult
    challenge: Challenge | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asked for a verification: kept sealed until it is over, so that a yes can be applied later."""

    session_id: UUID
    client: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A proof that is not bound to a session: a sign-up or a password reset.

    ``account_id`` and ``challenge_id`` are random where the address is taken or unknown, so that both cases walk the
    same way. ``source_account_id`` is the account that a profile leaves: then an own account goes with it.
    """

    proof_id: UUID
    purpose: Purpose
    account_id: UUID
    challenge_id: UUID
    device_id: str
    expire_time: datetime
    source_account_id: UUID | None = None


def purpose_for(standing: Standing, *, restricted: bool) -> Purpose:
    """What a device has to prove: theft is cleared by the owner's proof alone, never by the household's."""
    owner = restricted or standing is Standing.SUSPECT
    return Purpose.CONFIRM_OWNER if owner else Purpose.CONFIRM_HOUSEHOLD


def basis_of(purpose: Purpose) -> Basis:
    """What a verified code of that purpose buys."""
    return Basis.OWNER_CODE if purpose is Purpose.CONFIRM_OWNER else Basis.HOUSEHOLD_CODE

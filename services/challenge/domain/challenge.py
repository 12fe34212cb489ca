"""Challenges and deliveries as records, with the rules that need nothing but them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Purpose(StrEnum):
    """What a proof is for."""

    CONFIRM_HOUSEHOLD = "confirm_household"
    CONFIRM_OWNER = "confirm_owner"
    SIGN_UP = "sign_up"
    PASSWORD_RESET = "password_reset"


class Channel(StrEnum):
    """A way to reach a person."""

    EMAIL = "email"
    TEXT = "text"
    TRUSTED_DEVICE = "trusted_device"


class ChallengeState(StrEnum):
    """Where a challenge stands; every state but PENDING is final."""

    PENDING = "pending"
    VERIFIED = "verified"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    SUPERSEDED = "superseded"


class DeliveryState(StrEnum):
    """What became of a message; every state but QUEUED and ACCEPTED is final."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"


class NoticeKind(StrEnum):
    """What an owner is told."""

    NEW_SIGN_IN = "new_sign_in"
    SIGN_IN_STOPPED = "sign_in_stopped"
    DEVICE_SHUT_OUT = "device_shut_out"
    DEADLINE_COMING = "deadline_coming"
    OWN_ACCOUNT_MADE = "own_account_made"
    PASSWORD_CHANGED = "password_changed"
    ACCOUNT_EXISTS = "account_exists"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requester:
    """The device that asks for a proof. Kind and platform are the contract's names in lower case."""

    device_id: str
    device_kind: str
    device_platform: str
    device_name: str = field(repr=False)
    country_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentGuess:
    """A verify request whose code was compared, and what came of it."""

    request_id: UUID
    accepted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """A proof that was asked for. ``state`` is as stored: read :meth:`state_at`, which knows about expiry."""

    account_id: UUID
    challenge_id: UUID
    purpose: Purpose
    channel: Channel
    state: ChallengeState
    requester: Requester
    language: str
    masked_destination: str
    destination_hash: bytes | None = field(repr=False)
    match_number: str = field(repr=False)
    sealed_code: bytes | None = field(repr=False)
    attempts_left: int
    guesses: tuple[SpentGuess, ...] = ()
    deciding_device_id: str | None = None
    create_time: datetime
    expire_time: datetime

    def state_at(self, now: datetime) -> ChallengeState:
        """Where it stands at a moment: a pending one is over at its expiry, before anybody has written so."""
        if self.state is ChallengeState.PENDING and self.expire_time <= now:
            return ChallengeState.EXPIRED
        return self.state

    def is_pending(self, now: datetime) -> bool:
        """Whether it can still be verified or decided."""
        return self.state_at(now) is ChallengeState.PENDING


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message as others may see it."""

    delivery_id: UUID
    challenge_id: UUID | None
    message_id: UUID
    channel: Channel
    state: DeliveryState
    attempt_count: int
    update_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeView:
    """A challenge with its deliveries, oldest first, as it stands at ``now``."""

    challenge: Challenge
    deliveries: tuple[Delivery, ...]
    now: datetime

    @property
    def state(self) -> ChallengeState:
        """Where the challenge stands."""
        return self.challenge.state_at(self.now)

"""Challenges and deliveries as records, with the rules that need nothing but them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID


class Purpose(StrEnum):
    """What a proof is for."""

    CONFIRM_HOUSEHOLD = "confirm_household"
    CONFIRM_OWNER = "confirm_owner"
    SIGN_UP = "sign_up"
    PASSWORD_RESET = "password_reset"
    VERIFY_CONTACT = "verify_contact"
    PROFILE_TRANSFER = "profile_transfer"


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
    SUPPRESSED = "suppressed"


class NoticeKind(StrEnum):
    """What an owner is told."""

    NEW_SIGN_IN = "new_sign_in"
    SIGN_IN_STOPPED = "sign_in_stopped"
    DEVICE_SHUT_OUT = "device_shut_out"
    DEADLINE_COMING = "deadline_coming"
    OWN_ACCOUNT_MADE = "own_account_made"
    PASSWORD_CHANGED = "password_changed"
    ACCOUNT_EXISTS = "account_exists"
    CONTACT_CHANGED = "contact_changed"
    APPROVER_ADDED = "approver_added"
    OWN_ACCOUNT_UNDONE = "own_account_undone"
    MEMBER_REMOVED = "member_removed"
    MEMBER_INVITED = "member_invited"
    MEMBERSHIP_REQUESTED = "membership_requested"
    ACCOUNT_ERASURE = "account_erasure"


_UNDELIVERED: Final = frozenset({DeliveryState.BOUNCED, DeliveryState.EXPIRED})


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
    session_id: UUID | None = None
    phone_range_hashes: tuple[bytes, ...] = field(default=(), repr=False)
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
    provider: str = ""
    last_failure: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that was given up."""

    account_id: UUID
    delivery: Delivery
    kind: str
    create_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeView:
    """A challenge with its deliveries, oldest first, as it stands at ``now``.

    ``receipt_wait`` is how long a text may take to be reported as received.
    """

    challenge: Challenge
    deliveries: tuple[Delivery, ...]
    now: datetime
    receipt_wait: timedelta

    @property
    def state(self) -> ChallengeState:
        """Where the challenge stands."""
        return self.challenge.state_at(self.now)

    @property
    def advice_time(self) -> datetime | None:
        """When to offer the other channel, because the code seems not to arrive; None: as far as is known, it does."""
        if self.state is not ChallengeState.PENDING or not self.deliveries:
            return None
        latest = self.deliveries[-1]
        if latest.state in _UNDELIVERED:
            return latest.update_time
        awaited = latest.channel is Channel.TEXT and latest.state is DeliveryState.ACCEPTED
        return latest.update_time + self.receipt_wait if awaited else None

    @property
    def other_channel_advised(self) -> bool:
        """Whether that time has come."""
        return self.advice_time is not None and self.advice_time <= self.now

    @property
    def next_change(self) -> datetime:
        """When the view changes by itself: the offer of the other channel, or the end of the challenge."""
        advice, end = self.advice_time, self.challenge.expire_time
        return advice if advice is not None and self.now < advice < end else end

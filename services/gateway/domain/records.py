"""What the gateway knows of accounts, devices and challenges: plain records, as the leaves told them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class AccountState(StrEnum):
    """Whether an account is in good order."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    ON_HOLD = "ON_HOLD"
    CLOSED = "CLOSED"


class SessionState(StrEnum):
    """Whether a session may be used."""

    LIVE = "LIVE"
    RESTRICTED = "RESTRICTED"
    ENDED = "ENDED"


class SessionEndReason(StrEnum):
    """Why a session is over; NONE while it is not."""

    NONE = "NONE"
    SIGNED_OUT = "SIGNED_OUT"
    SIGNED_OUT_EVERYWHERE = "SIGNED_OUT_EVERYWHERE"
    DEVICE_REVOKED = "DEVICE_REVOKED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    TOKEN_REUSED = "TOKEN_REUSED"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    MOVED_AWAY = "MOVED_AWAY"
    MOVED_BACK = "MOVED_BACK"


class Standing(StrEnum):
    """What a device is to an account."""

    HOUSEHOLD = "HOUSEHOLD"
    TRAVELLING = "TRAVELLING"
    GUEST = "GUEST"
    UNCONFIRMED = "UNCONFIRMED"
    OUTSIDE = "OUTSIDE"
    SUSPECT = "SUSPECT"
    REVOKED = "REVOKED"


class Channel(StrEnum):
    """A way to reach the household."""

    EMAIL = "EMAIL"
    TEXT = "TEXT"
    TRUSTED_DEVICE = "TRUSTED_DEVICE"


MEMBER_STANDINGS = frozenset({Standing.HOUSEHOLD, Standing.TRAVELLING})
"""The standings whose devices act for the household."""


EXTRA_MEMBER_PLAN_ID: Final = "extra-member"
"""The plan of accounts that watch on a host's, as identity names it."""


class Quality(StrEnum):
    """The best picture of a plan: 480, 720, 1080 and 2160 lines."""

    SD = "SD"
    HD = "HD"
    FULL_HD = "FULL_HD"
    UHD = "UHD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a subscriber pays for."""

    plan_id: str
    max_streams: int
    max_download_devices: int
    quality: Quality = Quality.HD


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A subscriber's account. ``host_account_id``: the account on whose plan an extra member watches."""

    account_id: UUID
    state: AccountState
    plan: Plan
    country_code: str
    language: str
    free_member_slots: int = 0
    host_account_id: UUID | None = None

    @property
    def membership_ended(self) -> bool:
        """Whether it was an extra member's and has no plan of its own yet."""
        return self.plan.plan_id == EXTRA_MEMBER_PLAN_ID and self.host_account_id is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A viewer within an account; titles rated for at most ``maturity_age`` years are shown."""

    profile_id: UUID
    name: str
    maturity_age: int
    primary: bool
    kids: bool
    pin_locked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A device that is, or was, signed in."""

    session_id: UUID
    account_id: UUID
    device_id: str
    state: SessionState
    end_reason: SessionEndReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedSession:
    """What stands behind a session token."""

    session: Session
    account: Account
    profiles: tuple[Profile, ...]

    def profile(self, profile_id: UUID) -> Profile | None:
        """The account's profile of that id, or None."""
        return next((profile for profile in self.profiles if profile.profile_id == profile_id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """The secrets of a session; never logged."""

    session_token: str
    session_expire_time: datetime
    refresh_token: str
    refresh_expire_time: datetime

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact:
    """A way to reach the owner, or an approver; ``destination`` is empty where only the mask was asked for."""

    contact_id: UUID
    channel: Channel
    destination: str
    masked_destination: str
    verified: bool
    approver: bool = False

    def __repr__(self) -> str:
        return f"Contact({self.channel})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contacts:
    """Every way to reach the owner and the approvers, and the language to do it in (BCP 47).

    What is not verified is shown to the owner alone: the methods answer with nothing that must not be written to.
    """

    contacts: tuple[Contact, ...]
    language: str

    def by(self, channel: Channel) -> Contact | None:
        """The owner's verified contact for a channel, or None."""
        return next((contact for contact in self.verified if contact.channel is channel and not contact.approver), None)

    def find(self, contact_id: UUID) -> Contact | None:
        """Anybody's contact of that id, or None; look whether it is verified."""
        return next((contact for contact in self.contacts if contact.contact_id == contact_id), None)

    @property
    def verified(self) -> tuple[Contact, ...]:
        """Where codes may go: the owner's first, email before text, then the approvers'."""
        return tuple(contact for contact in self.contacts if contact.verified)

    @property
    def approvers(self) -> tuple[Contact, ...]:
        """Where the approvers are reached."""
        return tuple(contact for contact in self.verified if contact.approver)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowances:
    """What an account may still use."""

    deferrals_left: int
    guest_leases_left: int
    travel_days_left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What a device is to an account. ``expire_time``: when its guest lease, deferral or days of being watched end."""

    standing: Standing
    expire_time: datetime | None
    can_defer: bool
    can_use_code: bool
    allowances: Allowances
    known_device: bool
    policy_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The client as the edge saw it. The address is for the leaves that judge it; never logged."""

    ip_address: str
    device_id: str
    device_kind: int
    device_name: str
    platform: int
    public_key: bytes
    country_code: str
    language: str
    asn: int

    def __repr__(self) -> str:
        return f"Client(device_id={self.device_id!r})"

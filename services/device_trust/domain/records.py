"""The records of who was seen where: frozen, and free of transport and driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

NetworkHash = NewType("NetworkHash", bytes)
"""A keyed hash of a network's prefix: the *network cluster* of allowances, and all that is kept of an address."""


class Standing(StrEnum):
    """What a device is to an account."""

    HOUSEHOLD = "HOUSEHOLD"
    TRAVELLING = "TRAVELLING"
    GUEST = "GUEST"
    UNCONFIRMED = "UNCONFIRMED"
    OUTSIDE = "OUTSIDE"
    SUSPECT = "SUSPECT"
    REVOKED = "REVOKED"


class ConfirmationBasis(StrEnum):
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
    BY_OPERATOR = "BY_OPERATOR"


class AllowanceKind(StrEnum):
    """What an allowance buys."""

    GUEST_LEASE = "GUEST_LEASE"
    DEFERRAL = "DEFERRAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A device as it is seen now. ``kind`` and ``platform`` are the contract's names without their prefixes."""

    device_id: str
    kind: str
    name: str
    platform: str
    network: NetworkHash
    wide: bytes = b""
    """A keyed hash of the provider's block that the network lies in; empty where it was not looked at."""
    v6: bool = False
    """Whether the network is one of IPv6: many homes have one of each."""
    country: str | None = None
    asn: int | None = None
    profile: int = 0
    """A digest of the profile that is used; 0 where none is known."""
    key: bytes = b""
    """A digest of the device's public key; empty where it shows none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """How many accounts share a network, and the share of all accounts that was seen with its provider."""

    network: int = 1
    provider_share: float | None = None


ALONE: Final = Crowd()
"""A network and a provider of which nothing is known."""
TELLING_ACCOUNTS: Final = 50
"""With fewer accounts in all than this, the share of one provider tells nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What is known of a device of an account. Times that are None never came."""

    device_id: str
    kind: str
    name: str
    platform: str
    first_seen_time: datetime
    last_seen_time: datetime
    last_network: NetworkHash
    last_country: str | None = None
    member_since: datetime | None = None
    """When the account was made on it."""
    last_home_time: datetime | None = None
    """When it was last seen at a residence."""
    cleared_time: datetime | None = None
    """When the owner cleared it of suspicion."""
    guest_until: datetime | None = None
    """End of its last guest lease."""
    deferral_deadline: datetime | None = None
    """End of the one deferral it may have."""
    revoked_time: datetime | None = None
    revocation_reason: RevocationReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Residence:
    """A place where the household lives."""

    residence_id: UUID
    network: NetworkHash
    country: str | None
    declared: bool
    name: str
    last_seen_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Travel:
    """Days on which the household said that it would be in a country."""

    country: str
    start_time: datetime
    end_time: datetime

    def runs(self, now: datetime) -> bool:
        """Whether the travel is under way."""
        return self.start_time <= now <= self.end_time


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowanceUse:
    """One guest lease or deferral that was used, and on which network."""

    kind: AllowanceKind
    network: NetworkHash
    used_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A device seen for an account."""

    sighting_id: UUID
    account_id: UUID
    event_time: datetime
    client: Client
    start: bool = False
    """Whether a stream began."""


def see(device: Device | None, client: Client, at: datetime, *, at_home: bool = False) -> Device:
    """The device after it was seen as ``client`` at a time. A late sighting never takes it back in time."""
    home = at if at_home else None
    if device is None:
        return _first_seen(client, at, home)
    device = replace(
        device,
        first_seen_time=min(device.first_seen_time, at),
        last_home_time=max(filter(None, (device.last_home_time, home)), default=None),
    )
    if at < device.last_seen_time:
        return device
    return replace(
        device,
        kind=client.kind,
        name=client.name or device.name,
        platform=client.platform,
        last_seen_time=at,
        last_network=client.network,
        last_country=client.country,
    )


def _first_seen(client: Client, at: datetime, home: datetime | None) -> Device:
    return Device(
        device_id=client.device_id,
        kind=client.kind,
        name=client.name,
        platform=client.platform,
        first_seen_time=at,
        last_seen_time=at,
        last_network=client.network,
        last_country=client.country,
        last_home_time=home,
    )

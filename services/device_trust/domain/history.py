"""The compact history of an account: which device was on which network on which day, and nothing finer.

Everything in it is bounded, so that judging by it costs the same with ten sightings as with ten thousand. A day is a
UTC day, counted from 1970-01-01. A set of days is an integer: bit ``i`` stands for the day ``i`` days before its
anchor. A :class:`History` belongs to whoever loaded it and is changed in place by
:mod:`services.device_trust.domain.learning`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

WINDOW_DAYS: Final = 62
"""How far presence is known day by day: two of the 31 days within which a home is expected to be visited."""
LEDGER_DAYS: Final = 366
"""How far back the days that guests used are counted."""
MAX_NETWORKS: Final = 64
MAX_DEVICES: Final = 64
MAX_DEVICES_ON_NETWORK: Final = 16
MAX_PROFILES: Final = 8
MAX_NEWCOMERS: Final = 8
STAY_DAYS: Final = 2
STATIONARY_KINDS: Final = frozenset({"TV", "CONSOLE", "SET_TOP_BOX"})
"""Kinds that stay where they are: they tell a home from a place that is merely visited."""
CARRIED_KINDS: Final = frozenset({"PHONE", "TABLET"})
"""Kinds that are used on the way, on a carrier's network."""
_SHORTLY: Final = 4
_TIMES_LIVED: Final = 3
_FULL: Final = (1 << WINDOW_DAYS) - 1
_DAY_SECONDS: Final = 86_400


class Presence(msgspec.Struct, array_like=True, gc=False):
    """A device's days on a network; ``days`` is anchored at ``last_day``."""

    last_day: int
    days: int = 1

    def mark(self, day: int) -> bool:
        """Note a day, late or not; whether it is new. One that lies before the window is left out."""
        ahead = day - self.last_day
        if ahead > 0:
            self.days = ((self.days << ahead) & _FULL) | 1
            self.last_day = day
            return True
        bit = 1 << -ahead
        if ahead <= -WINDOW_DAYS or self.days & bit:
            return False
        self.days |= bit
        return True

    def at(self, today: int) -> int:
        """The days, anchored at today; those after it are left out."""
        ahead = today - self.last_day
        return (self.days << ahead) & _FULL if ahead >= 0 else self.days >> -ahead


class NetworkUse(msgspec.Struct, array_like=True):
    """A network that the account was seen on."""

    wide: bytes
    first_day: int
    last_day: int
    asn: int = 0
    country: str = ""
    home_day: int = 0
    """The last day on which it counted as a home and a member was there; 0 if it never did."""
    given_up: bool = False
    """Whether the home has another address of this family since."""
    contested: bool = False
    """Whether strangers lived here before a home's address came to lie here: being here makes nobody a member."""
    crowd: int = 1
    """How many accounts were seen on it, as last heard."""
    v6: bool = False
    hops: int = 0
    """How often something other than a phone came here from a home within minutes."""
    presence: dict[str, Presence] = {}


class DeviceUse(msgspec.Struct, array_like=True):
    """What is known of one device beyond its row: counts of days, and where it was last."""

    kind: str
    platform: str
    seen: Presence
    home: Presence | None = None
    """Its days at home."""
    active_days: int = 0
    home_days: int = 0
    longest_stay: int = 0
    """The most days in a row that it was at home: who lives there stays, who drops in does not."""
    last_time: float = 0.0
    """Seconds since 1970."""
    last_network: bytes = b""
    leap_day: int = 0
    """The last day on which it was in two countries within hours; 0 if it never was."""
    profiles: list[int] = []
    key: bytes = b""
    """A digest of its public key; empty where it showed none."""
    founder: bool = False


class History(msgspec.Struct, array_like=True):
    """One account's history. ``founded`` is whether the making of the account was seen, rather than its middle life."""

    first_day: int
    founded: bool = False
    networks: dict[bytes, NetworkUse] = {}
    devices: dict[str, DeviceUse] = {}
    home: Presence | None = None
    """Days on which a member was at home."""
    guest_anchor: int = 0
    guest_days: bytes = b""
    """Days on which somebody who is no member played away from home, and whose presence is forgotten; little-endian."""
    hours: list[int] = msgspec.field(default_factory=lambda: [0] * 24)
    """Starts at home by hour of the day (UTC), halved now and then."""
    profiles: list[int] = []
    """Digests of profiles used by members at home."""
    newcomers: list[tuple[float, str]] = []
    """When and which device was first seen away from home, newest last."""
    failures: list[float] = []
    """When codes were failed, newest last."""
    tidied_day: int = 0
    last_day: int = 0
    active_days: int = 0
    """Days on which anything was seen of the account."""


_DECODER: Final = msgspec.msgpack.Decoder(History)
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode(history: History) -> bytes:
    """The history as it is kept (MessagePack)."""
    return _ENCODER.encode(history)


def decode(data: bytes) -> History:
    """The history that was kept. Raises msgspec.DecodeError for anything else."""
    return _DECODER.decode(data)


def day_of(moment: datetime) -> int:
    """The UTC day of an aware moment."""
    return int(moment.timestamp() // _DAY_SECONDS)


def strong(device: DeviceUse) -> bool:
    """Whether a device's own life at home is beyond doubt, so that it vouches for places and for other devices.

    The account was made on it, or it stays at home for days on end and on a third of its days, or it lived there for
    two weeks and still comes often enough. A guest who drops in once a month never gets there.
    """
    home = device.home_days
    settled = home >= 3 and home * 3 >= device.active_days
    lived = home >= 14 and home * 12 >= device.active_days
    return device.founder or settled or lived


def vouches(device: DeviceUse) -> bool:
    """Whether a device speaks for what is where it stays: its life at home is beyond doubt, or it stayed there.

    A student who comes home for the weekend stays; a friend who comes for an evening does not, unless often.
    """
    return device.longest_stay >= STAY_DAYS or device.home_days > STAY_DAYS or strong(device)


def place_of(history: History, network: NetworkUse) -> list[NetworkUse]:
    """The networks that a device which stays where it is ties to this one: one place under several addresses."""
    place, left = [network], [each for each in history.networks.values() if each is not network]
    for here in place:
        tied = {each for each in here.presence if _stays(history, each)}
        reached = [each for each in left if not tied.isdisjoint(each.presence)]
        if reached:
            place += reached
            left = [each for each in left if each not in reached]
    return place


def days_of(network: NetworkUse, today: int) -> int:
    """The days on which a network was used by any device."""
    days = 0
    for presence in network.presence.values():
        days |= presence.at(today)
    return days


def carried_only(history: History, network: NetworkUse) -> bool:
    """Whether only what people carry was on a network: it may be a carrier's."""
    return all(history.devices[each].kind in CARRIED_KINDS for each in network.presence if each in history.devices)


def _stays(history: History, device_id: str) -> bool:
    device = history.devices.get(device_id)
    return device is not None and device.kind in STATIONARY_KINDS


def is_home(network: NetworkUse, today: int) -> bool:
    """Whether a network is a home that was lived in lately.

    An address that another took the place of goes to strangers: soon, where it lasted for a day as some providers' do.
    """
    if network.home_day == 0:
        return False
    lasting = WINDOW_DAYS
    if network.given_up:
        lived = 0 if network.contested else network.home_day - network.first_day
        lasting = min(lasting, _SHORTLY + _TIMES_LIVED * lived)
    return today - network.home_day <= lasting


def day_mask(anchor: int, days: bytes, today: int) -> int:
    """A long set of days, re-anchored at a day, late or not, and cut to the ledger's length."""
    kept = int.from_bytes(days, "little")
    ahead = today - anchor
    return (kept << ahead if ahead >= 0 else kept >> -ahead) & ((1 << LEDGER_DAYS) - 1)

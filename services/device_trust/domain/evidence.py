"""What an account's history says about a device that is seen now: plain numbers, read by rules and scores.

A device is *accompanied* where a device whose home is beyond doubt was on the same network within a day. Days away
from home without such company are what tells a second household from a journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from services.device_trust.domain.history import (
    LEDGER_DAYS,
    STATIONARY_KINDS,
    DeviceUse,
    History,
    NetworkUse,
    carried_only,
    day_mask,
    day_of,
    days_of,
    is_home,
    vouches,
)
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client, Crowd

_NEAR_SECONDS: Final = 2 * 86_400
_NOW_SECONDS: Final = 3 * 3_600
_COMPANY_DAYS: Final = 14
_DAY_90: Final = (1 << 90) - 1
_WEEK_SECONDS: Final = 7 * 86_400


class Level(IntEnum):
    """The finest thing that a network shares with where the account's members were; higher is closer."""

    UNKNOWN = 0
    FOREIGN = 1
    COUNTRY_VISITED = 2
    COUNTRY = 3
    PROVIDER = 4
    NEIGHBOURHOOD = 5
    PLACE_VISITED = 6
    COMPANY = 7
    HOME_SHARED = 8
    HOME = 9


class ProfileUse(IntEnum):
    """Where the profile that is asked for was used."""

    UNKNOWN = 0
    NEVER_AT_HOME = 1
    AT_HOME = 2


class KeyUse(IntEnum):
    """What the device shows of a key."""

    NONE = 0
    CHANGED = 1
    NEW = 2
    SAME = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts about one device on one network now. Days are UTC days within the window unless said otherwise."""

    known_days: int
    """Days on which the device was seen, ever."""
    away_days: int
    """Days of the window on which it was seen anywhere but at home."""
    home_days: int
    """Of these, at home."""
    home_age: int | None
    """Days since it was last at home."""
    member: bool
    """Whether it was at home lately enough, for how long it lived there."""
    level: Level
    crowd: int
    """Accounts seen on the network."""
    provider_share: float | None
    """The share of accounts seen with this provider (ASN)."""
    company_age: int | None
    """Days since a device at home beyond doubt was on this network."""
    alone_days: int
    """Days away from home without company."""
    apart_days: int
    """Of these, with somebody else at home on the same day."""
    away_networks: int
    """Networks on which it was away from home without company, also on days at home: those take none away."""
    stationary: bool
    home_active: bool
    """Whether another device was seen at home within three hours."""
    member_near: Level
    """The closest that a member's device on its way came to this network within two days."""
    newcomers: int
    """Devices first seen away from home within a week."""
    failures: int
    """Codes failed within a week."""
    profile: ProfileUse
    same_platform: int
    """2: a member's device is of this kind and platform; 1: of this kind; 0: none is."""
    hour_share: float | None
    """The share of starts at home in this hour of the day and those beside it; None with too few to tell."""
    leap: bool
    """Whether it was in two countries within hours this week."""
    key: KeyUse
    maturity: int
    """Days since the account was first seen."""
    has_home: bool
    founded: bool
    """Whether the making of the account was seen."""
    learning: bool
    """Whether the account is too young to be judged: its making was not seen, and its home is still being learned."""
    guest_days_90: int
    """Days before today, of 90, on which somebody who is no member played away from home."""
    guest_days_365: int
    guest_days_here: int
    """Of those in the window, on this network."""
    device_guest_days: int
    """Of those in the window, of this device."""
    network_apart_days: int
    """Days on this network of devices that are no members', without company, with somebody at home on the same day."""
    network_alone_days: int
    longest_apart_days: int
    """Of the device's days away without company while others were at home, those on the network with most of them."""
    longest_alone_days: int
    cleared: bool
    """Whether the owner vouched for the device."""


@dataclass(slots=True)
class _Places:
    """The account's networks sorted by what they are to it, in one pass."""

    homes: list[NetworkUse]
    visited: list[NetworkUse]
    """Where members were, away from home."""
    others_home: int = 0
    away: int = 0
    alone: int = 0
    guests: int = 0
    alone_by_network: list[int] = field(default_factory=list)
    own_networks: int = 0
    here_alone: int = 0
    company_age: int | None = None


def read(
    history: History, client: Client, now: datetime, policy: Policy, crowd: Crowd, *, cleared: bool = False
) -> Evidence:
    """Count what speaks for and against a device that is seen as ``client`` now. Pure; changes nothing."""
    today = day_of(now)
    seconds = now.timestamp()
    use = history.devices.get(client.device_id)
    since = _guests_since(history, today, policy)
    members = history.devices.keys() - since.keys()
    vouchers = {key for key in members if vouches(history.devices[key])}
    places = _sort(history, client, today, since, vouchers)
    here = history.networks.get(client.network)
    alone = places.alone
    ledger = guest_ledger(history, places.guests, today) >> 1
    home_age = today - use.home.last_day if use is not None and use.home is not None else None
    near = [each for key, each in history.devices.items() if key in vouchers and key != client.device_id]
    at_home = here is not None and is_home(here, today)
    others = places.others_home
    by_network = places.alone_by_network or [0]
    return Evidence(
        known_days=use.active_days if use else 0,
        away_days=places.away.bit_count(),
        home_days=use.home_days if use else 0,
        home_age=max(0, home_age) if home_age is not None else None,
        member=client.device_id in members,
        level=_level(client, here, places, crowd, at_home=at_home),
        crowd=crowd.network,
        provider_share=crowd.provider_share,
        company_age=places.company_age,
        alone_days=alone.bit_count(),
        apart_days=(alone & others).bit_count(),
        away_networks=places.own_networks,
        stationary=client.kind in STATIONARY_KINDS,
        home_active=not at_home and _home_active(history, near, seconds, today),
        member_near=_nearest(history, near, client, seconds, today, crowd),
        newcomers=sum(seconds - at < _WEEK_SECONDS and device != client.device_id for at, device in history.newcomers),
        failures=sum(seconds - at < _WEEK_SECONDS for at in history.failures),
        profile=_profile(history, client),
        same_platform=_same_platform(history, members - {client.device_id}, client),
        hour_share=_hour_share(history.hours, now.hour),
        leap=use is not None and use.leap_day > 0 and today - use.leap_day < 7,
        key=_key(use, client.key),
        maturity=today - history.first_day,
        has_home=bool(places.homes),
        founded=history.founded,
        learning=is_learning(history, today, policy),
        guest_days_90=(ledger & _DAY_90).bit_count(),
        guest_days_365=ledger.bit_count(),
        device_guest_days=_days_since(alone >> 1, today - 1, since.get(client.device_id)),
        guest_days_here=(places.here_alone >> 1).bit_count(),
        network_apart_days=(places.here_alone & others).bit_count(),
        network_alone_days=places.here_alone.bit_count(),
        longest_apart_days=max((days & others).bit_count() for days in by_network),
        longest_alone_days=max(days.bit_count() for days in by_network),
        cleared=cleared,
    )


def is_learning(history: History, today: int, policy: Policy) -> bool:
    """Whether an account is too little known to be judged: not from its making, not for long, or not on enough days."""
    age = today - history.first_day
    little = history.active_days < policy.learning_active_days and age < 2 * policy.learning.days
    return not history.founded and (age < policy.learning.days or little)


def is_member(device: DeviceUse, today: int, policy: Policy) -> bool:
    """Whether a device was at home lately enough, or the account was made on it."""
    return device.founder or (device.home is not None and today <= _member_until(device, policy))


def _member_until(device: DeviceUse, policy: Policy) -> int:
    """The last day of a device's membership: a month, and another for each day that it was at home, up to a limit."""
    if device.home is None:
        return 0
    return device.home.last_day + min((1 + device.home_days) * policy.home_presence.days, policy.home_presence_max.days)


def guest_ledger(history: History, guests: int, today: int) -> int:
    """Days on which somebody who is no member played away from home: those of the window, and what was kept."""
    return (day_mask(history.guest_anchor, history.guest_days, today) | guests) & ((1 << LEDGER_DAYS) - 1)


def guests_in_window(
    history: History, today: int, policy: Policy, *, network: bytes | None = None, device: str | None = None
) -> int:
    """The days of the window on which somebody who is no member played away from home without company.

    On one network, or by one device, where it is named.
    """
    since = _guests_since(history, today, policy)
    vouchers = {key for key, each in history.devices.items() if key not in since and vouches(each)}
    stays, at_home = _stays_of(history, today, vouchers), _days_at_home(history, today)
    if device is not None:
        since = {device: since[device]} if device in since else {}
    guests = 0
    for key, use in history.networks.items():
        if network in (None, key) and (use.contested or not is_home(use, today)):
            guests |= _alone_on(use, today, since, stays.company(history, key, use, today), at_home)
    return guests


def _guests_since(history: History, today: int, policy: Policy) -> dict[str, int]:
    """The devices that are no members, and since which day: what a member did was no guest's."""
    return {
        key: _member_until(each, policy) + 1
        for key, each in history.devices.items()
        if not is_member(each, today, policy)
    }


def _sort(history: History, client: Client, today: int, since: dict[str, int], vouchers: set[str]) -> _Places:
    """One pass over the account's networks."""
    places = _Places(homes=[], visited=[])
    device_id = client.device_id
    stays = _stays_of(history, today, vouchers, device_id)
    at_home = _days_at_home(history, today)
    strangers = since.keys() | {device_id}
    for key, network in history.networks.items():
        if is_home(network, today):
            places.homes.append(network)
            if not network.contested:
                continue
        company = stays.company(history, key, network, today)
        if company or not network.presence.keys() <= strangers:
            places.visited.append(network)
        guests = _alone_on(network, today, since, company, at_home)
        places.guests |= guests
        if key == client.network:
            places.here_alone = guests
            places.company_age = (company & -company).bit_length() - 1 if company else None
        mine = network.presence.get(device_id)
        if mine is None:
            continue
        places.away |= mine.at(today)
        own = mine.at(today) & ~_widen(company)
        places.own_networks += own != 0
        if alone := own & ~at_home.get(device_id, 0):
            places.alone |= alone
            places.alone_by_network.append(alone)
    places.others_home = _union(days for key, days in at_home.items() if key != device_id and key not in since)
    return places


def _days_at_home(history: History, today: int) -> dict[str, int]:
    """The days at home of each device that was ever there. They count though the address was given up since."""
    return {key: each.home.at(today) for key, each in history.devices.items() if each.home is not None}


def _union(sets: Iterable[int]) -> int:
    union = 0
    for days in sets:
        union |= days
    return union


@dataclass(slots=True)
class _Stays:
    """The days that devices at home beyond doubt stayed elsewhere, by network, and by provider and family."""

    by_network: dict[bytes, int] = field(default_factory=dict)
    by_line: dict[tuple[int, bool], int] = field(default_factory=dict)

    def company(self, history: History, key: bytes, network: NetworkUse, today: int) -> int:
        """The days on which what was on a network was in company. Where all is carried, it may be a carrier's: none.

        Many places have a network of each family: who stays on the one keeps company to what is used on the other,
        with the same provider, on those very days and no others.
        """
        days = self.by_network.get(key, 0)
        line = self.by_line.get((network.asn, not network.v6), 0) if network.asn else 0
        if not days and not line:
            return 0
        if network.crowd > CROWDED or (not network.v6 and carried_only(history, network)):
            return 0
        if line and not days_of(network, today) & ~_widen(line):
            days |= line
        return days


def _stays_of(history: History, today: int, vouchers: set[str], but: str = "") -> _Stays:
    """Where the vouchers stayed, rather than at home. A crowd is no company.

    Who was at home on the same day dropped in, or was on the way: a visit to a friend, a carrier's gateway.
    """
    stays = _Stays()
    homes = {key: home.at(today) if (home := history.devices[key].home) is not None else 0 for key in vouchers}
    homes.pop(but, None)
    for key, network in history.networks.items():
        if network.crowd > CROWDED or is_home(network, today):
            continue
        days = 0
        for other, presence in network.presence.items():
            at_home = homes.get(other)
            if at_home is not None:
                days |= presence.at(today) & ~at_home
        if days:
            stays.by_network[key] = days
            line = (network.asn, network.v6)
            stays.by_line[line] = stays.by_line.get(line, 0) | days
    return stays


def _alone_on(network: NetworkUse, today: int, since: dict[str, int], company: int, at_home: dict[str, int]) -> int:
    """The days of devices on a network on which they were no members, not at home, and had no company."""
    days = 0
    for other, presence in network.presence.items():
        first = since.get(other)
        if first is not None and first <= today:
            days |= presence.at(today) & ((2 << (today - first)) - 1) & ~at_home.get(other, 0)
    return days & ~_widen(company)


def _days_since(days: int, anchor: int, first: int | None) -> int:
    """How many of the days, anchored at a day, are not before the first; none where there is no first."""
    if first is None or first > anchor:
        return 0
    return (days & ((2 << (anchor - first)) - 1)).bit_count()


def _widen(days: int) -> int:
    """The days with those before and after them."""
    return days | days << 1 | days >> 1


CROWDED: Final = 40
"""On a network with more accounts than this, being seen together says little: a carrier's gateway, a dorm, a VPN."""


def _level(client: Client, here: NetworkUse | None, places: _Places, crowd: Crowd, *, at_home: bool) -> Level:
    if at_home:
        shared = crowd.network > CROWDED or (here is not None and here.contested)
        return Level.HOME_SHARED if shared else Level.HOME
    if here is not None and places.company_age is not None and places.company_age <= _COMPANY_DAYS:
        return Level.COMPANY
    if any(each is here for each in places.visited):
        return Level.PLACE_VISITED
    return _coarse(client, places.homes, places.visited)


def _coarse(client: Client, homes: Iterable[NetworkUse], visited: Iterable[NetworkUse]) -> Level:
    """What a network that members were never on shares with those that they were on."""
    best = Level.UNKNOWN
    for network in homes:
        best = max(best, _shared(client, network, Level.COUNTRY))
    for network in visited:
        best = max(best, _shared(client, network, Level.COUNTRY_VISITED))
    return best


def _shared(client: Client, network: NetworkUse, in_country: Level) -> Level:
    if client.asn and network.asn and client.asn != network.asn:
        pass
    elif network.wide == client.wide:
        return Level.NEIGHBOURHOOD
    elif client.asn and network.asn:
        return Level.PROVIDER
    if not client.country or not network.country:
        return Level.UNKNOWN
    return in_country if network.country == client.country else Level.FOREIGN


def _nearest(
    history: History,
    near: Iterable[DeviceUse],
    client: Client,
    seconds: float,
    today: int,
    crowd: Crowd,
) -> Level:
    """How near a member's device that is itself away from home came within two days."""
    best = Level.UNKNOWN
    for each in near:
        network = history.networks.get(each.last_network)
        if network is None or seconds - each.last_time > _NEAR_SECONDS or is_home(network, today):
            continue
        if each.last_network == client.network:
            stays = each.home is None or each.home.last_day < today
            best = max(best, Level.COMPANY if stays and crowd.network <= CROWDED else Level.PLACE_VISITED)
        else:
            best = max(best, _shared(client, network, Level.COUNTRY_VISITED))
    return best


def _home_active(history: History, near: Iterable[DeviceUse], seconds: float, today: int) -> bool:
    for each in near:
        network = history.networks.get(each.last_network)
        if network is not None and abs(seconds - each.last_time) < _NOW_SECONDS and is_home(network, today):
            return True
    return False


def _profile(history: History, client: Client) -> ProfileUse:
    if client.profile == 0 or not history.profiles:
        return ProfileUse.UNKNOWN
    return ProfileUse.AT_HOME if client.profile in history.profiles else ProfileUse.NEVER_AT_HOME


def _same_platform(history: History, members: Set[str], client: Client) -> int:
    best = 0
    for key in members:
        device = history.devices[key]
        if device.kind == client.kind:
            best = max(best, 2 if device.platform == client.platform else 1)
    return best


def _hour_share(hours: list[int], hour: int) -> float | None:
    total = sum(hours)
    if total < 30:
        return None
    return (hours[hour - 1] + hours[hour] + hours[(hour + 1) % 24]) / total


def _key(use: DeviceUse | None, key: bytes) -> KeyUse:
    if use is None or not use.key:
        return KeyUse.NEW if key else KeyUse.NONE
    return KeyUse.SAME if use.key == key else KeyUse.CHANGED

"""Learning from sightings: presence by day, and from it where an account's household lives.

A home is found in one of four ways: the account was made there or its household declared it; it is where an account
that we meet in the middle of its life is mostly used; a television that lived at home is there now; devices that live
at home are there together, or for days. Only presence teaches: a passed code changes nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.device_trust.domain.evidence import CROWDED, guest_ledger, guests_in_window, is_learning, is_member
from services.device_trust.domain.history import (
    LEDGER_DAYS,
    MAX_DEVICES,
    MAX_DEVICES_ON_NETWORK,
    MAX_NETWORKS,
    MAX_NEWCOMERS,
    MAX_PROFILES,
    STATIONARY_KINDS,
    WINDOW_DAYS,
    DeviceUse,
    History,
    NetworkUse,
    Presence,
    carried_only,
    day_of,
    is_home,
    place_of,
    strong,
    vouches,
)
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client

_LEAP_SECONDS: Final = 2 * 3_600
"""Nobody is seen in two countries within two hours, save at a border."""
_HOURS_KEPT: Final = 600
_HOP_SECONDS: Final = 1_200
_HOPS: Final = 2
_MANY_DAYS: Final = 4
_LEAVING: Final = WINDOW_DAYS - 2
_RECENT_DAYS: Final = 21
_SHORT_LIVED: Final = 2
_TOGETHER_DEVICES: Final = 2
_TOGETHER_DAYS: Final = 3
_SHARE_HERE: Final = 2
_SHARE_THERE: Final = 6
_UNSURE_DAYS: Final = 5
_LONG_DAYS: Final = 10
_SETTLED_HOME_DAYS: Final = 3
_CROWD_HALF: Final = 8
"""A network with this many accounts weighs half as much when an account's home is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What a sighting taught beyond its own day."""

    at_home: bool
    found_home: bool = False
    """Whether its network was found to be a home just now."""


def observe(
    history: History,
    client: Client,
    at: datetime,
    policy: Policy,
    crowd: int,
    *,
    start: bool,
    at_residence: bool = False,
) -> Learned:
    """Take one sighting in.

    ``crowd`` is the number of accounts on its network, ``start`` whether a stream began, ``at_residence`` whether the
    network is a residence's: that stays a home, however long nobody was there.
    """
    day = day_of(at)
    history.first_day = min(history.first_day, day)
    if day > history.last_day:
        history.last_day = day
        history.active_days += 1
    _tidy(history, day, policy)
    network = _network(history, client, day, policy, crowd)
    device = _device(history, client, day, policy)
    _mark(history, network, client, day, policy)
    if device.seen.mark(day) or device.active_days == 0:
        device.active_days += 1
    if at_residence:
        network.home_day = max(network.home_day, day)
    found = not is_home(network, day) and _look_for_home(history, client, network, at, policy)
    at_home = is_home(network, day) and not (network.contested and device.home_days == 0)
    if at_home:
        _at_home(history, network, client, device, at, day, start=start)
    elif device.active_days == 1:
        _newcomer(history, client.device_id, at)
    _moved(history, device, client, at, day)
    return Learned(at_home=at_home, found_home=found)


def found_home(history: History, client: Client, at: datetime, policy: Policy, *, founder: bool) -> None:
    """Make the network where a device is now a home: the account was made there, or its household says so."""
    observe(history, client, at, policy, 1, start=False)
    day = day_of(at)
    if founder:
        history.founded = True
        history.devices[client.device_id].founder = True
    _settle(history, history.networks[client.network], day)


def failed_code(history: History, at: datetime) -> None:
    """Note that a code was failed."""
    history.failures = [*history.failures, at.timestamp()][-MAX_NEWCOMERS:]


def _network(history: History, client: Client, day: int, policy: Policy, crowd: int) -> NetworkUse:
    network = history.networks.get(client.network)
    if network is None:
        if len(history.networks) >= MAX_NETWORKS:
            _forget_network(history, day, policy)
        network = history.networks[client.network] = NetworkUse(
            wide=client.wide, first_day=day, last_day=day, v6=client.v6, presence={}
        )
    network.asn = client.asn or network.asn
    network.country = client.country or network.country
    network.first_day = min(network.first_day, day)
    network.last_day = max(network.last_day, day)
    network.crowd = max(1, crowd)
    return network


def _forget_network(history: History, day: int, policy: Policy) -> None:
    """Make room: homes are kept, then what was seen on many days; of those alike, what was seen last."""

    def worth(key: bytes) -> tuple[bool, int, int]:
        network = history.networks[key]
        days = sum(presence.days.bit_count() for presence in network.presence.values())
        return is_home(network, day), min(days, _MANY_DAYS), network.last_day

    forgotten = min(history.networks, key=worth)
    _keep_guest_days(history, day, guests_in_window(history, day, policy, network=forgotten))
    del history.networks[forgotten]


def _device(history: History, client: Client, day: int, policy: Policy) -> DeviceUse:
    device = history.devices.get(client.device_id)
    if device is None:
        if len(history.devices) >= MAX_DEVICES:
            _forget_device(history, day, policy)
        device = history.devices[client.device_id] = DeviceUse(
            kind=client.kind, platform=client.platform, seen=Presence(last_day=day, days=0), profiles=[]
        )
    device.kind, device.platform = client.kind, client.platform
    if client.profile and client.profile not in device.profiles:
        device.profiles = [*device.profiles, client.profile][-MAX_PROFILES:]
    if client.key:
        if device.key and device.key != client.key:
            device.key_changed_day = day
        device.key = client.key
    return device


def _forget_device(history: History, day: int, policy: Policy) -> None:
    """Make room, and take the device off the networks that it was on."""
    forgotten = min(history.devices, key=lambda key: _keep_device(history.devices[key]))
    _keep_guest_days(history, day, guests_in_window(history, day, policy, device=forgotten))
    del history.devices[forgotten]
    for network in history.networks.values():
        network.presence.pop(forgotten, None)


def _keep_device(device: DeviceUse) -> tuple[bool, bool, int]:
    """What is forgotten last: founders, then devices that live at home, then those seen lately."""
    return device.founder, device.home_days > 0, device.seen.last_day


def _mark(history: History, network: NetworkUse, client: Client, day: int, policy: Policy) -> bool:
    presence = network.presence.get(client.device_id)
    if presence is not None:
        return presence.mark(day)
    if len(network.presence) >= MAX_DEVICES_ON_NETWORK:
        oldest = min(network.presence, key=lambda key: network.presence[key].last_day)
        kept = guests_in_window(history, day, policy, network=client.network, device=oldest)
        _keep_guest_days(history, day, kept)
        del network.presence[oldest]
    network.presence[client.device_id] = Presence(last_day=day)
    return True


def _at_home(
    history: History, network: NetworkUse, client: Client, device: DeviceUse, at: datetime, day: int, *, start: bool
) -> None:
    network.home_day = max(network.home_day, day)
    network.given_up = network.given_up and network.last_day > day
    _lived(device, day)
    if history.home is None:
        history.home = Presence(last_day=day)
    history.home.mark(day)
    device.second_home_day = 0
    if client.profile and client.profile not in history.profiles:
        history.profiles = [*history.profiles, client.profile][-MAX_PROFILES:]
    if start:
        history.hours[at.hour] += 1
        if sum(history.hours) > _HOURS_KEPT:
            history.hours = [count // 2 for count in history.hours]


def _lived(device: DeviceUse, day: int) -> None:
    if device.home is None:
        device.home = Presence(last_day=day)
        device.home_days += 1
    elif device.home.mark(day):
        device.home_days += 1
    device.longest_stay = max(device.longest_stay, _longest_run(device.home.days))


def _longest_run(days: int) -> int:
    """The most days in a row of a set of days."""
    length = 0
    while days:
        days &= days << 1
        length += 1
    return length


def _newcomer(history: History, device_id: str, at: datetime) -> None:
    if all(device_id != known for _, known in history.newcomers):
        history.newcomers = [*history.newcomers, (at.timestamp(), device_id)][-MAX_NEWCOMERS:]


def _moved(history: History, device: DeviceUse, client: Client, at: datetime, day: int) -> None:
    """Note where the device is, and whether it came there faster than anybody travels."""
    seconds = at.timestamp()
    if seconds < device.last_time:
        return
    before = history.networks.get(device.last_network)
    if before is not None and seconds - device.last_time < _LEAP_SECONDS:
        here = history.networks[client.network]
        countries = {before.country, here.country}
        if len(countries) == 2 and "" not in countries and max(before.crowd, here.crowd) <= CROWDED:
            device.leap_day = day
    device.last_time, device.last_network = seconds, client.network


def _look_for_home(history: History, client: Client, network: NetworkUse, at: datetime, policy: Policy) -> bool:
    """Whether a network, no home so far, is one now."""
    day = day_of(at)
    learning = is_learning(history, day, policy)
    if learning:
        _learn_first_home(history, day)
    if is_home(network, day):
        return True
    if network.crowd > CROWDED:
        return False
    place = place_of(history, network)
    moved = _television_there(history, place, day, learning=learning) or _renumbered(
        history, client, network, day, policy
    )
    if not (moved or _hopped(history, client, network, at, policy) or _household_there(history, place, day, policy)):
        return False
    if moved:
        network.contested = _contested(history, network, day, policy)
        _give_up(history, network, day)
    for each in place:
        _settle(history, each, day if each is network else each.last_day)
    return True


def _give_up(history: History, network: NetworkUse, day: int) -> None:
    """The home has this address now, and its earlier ones of the family go to strangers."""
    for use in history.networks.values():
        if use is not network and use.v6 == network.v6 and use.home_day and use.home_day < day:
            use.given_up = True


def _learn_first_home(history: History, day: int) -> None:
    """An account that we meet in the middle of its life lives where it is mostly used; looked at anew day by day.

    Where another place turns out to be used more, the first one was none: what was learned of it is taken back.
    """
    first = max(history.networks.values(), key=lambda use: _weight(history, use, day))
    twin = _twin(history, first, day)
    if not is_home(first, day):
        for device in history.devices.values():
            device.home, device.home_days, device.longest_stay = None, 0, 0
        for use in history.networks.values():
            use.home_day = 0
        history.profiles = []
        for use in place_of(history, first):
            _settle(history, use, use.last_day)
    if twin is not None and not is_home(twin, day):
        for use in place_of(history, twin):
            _settle(history, use, use.last_day)


def _twin(history: History, first: NetworkUse, day: int) -> NetworkUse | None:
    """The home's network of the other family, with the same provider.

    Where phones alone are on it, it may be a carrier's: then only if that is the very provider of the home, and two
    phones were there, or one on several days.
    """
    others = [use for use in history.networks.values() if use.v6 != first.v6 and use.asn == first.asn]
    likely = [use for use in others if not carried_only(history, use) or (use.asn and _often(use, day))]
    return max(likely, key=lambda use: _weight(history, use, day), default=None)


def _often(network: NetworkUse, day: int) -> bool:
    days = [presence.at(day).bit_count() for presence in network.presence.values()]
    return network.crowd <= CROWDED and (len(days) > 1 or max(days) >= _TOGETHER_DAYS)


def _weight(history: History, network: NetworkUse, day: int) -> float:
    """How much a network looks like a home: device days, televisions twice, less where many accounts are."""
    days = sum(
        presence.at(day).bit_count() * (2 if history.devices[device].kind in STATIONARY_KINDS else 1)
        for device, presence in network.presence.items()
        if device in history.devices
    )
    return days / (1 + network.crowd / _CROWD_HALF)


def _television_there(history: History, place: Sequence[NetworkUse], day: int, *, learning: bool) -> bool:
    """A device that stays where it is, and lives at home, is here now: another address, or another flat."""
    here = place[0]
    for device_id, presence in here.presence.items():
        device = history.devices.get(device_id)
        if device is None or device.kind not in STATIONARY_KINDS or presence.last_day < day - 1:
            continue
        if device.home_days > 0 and (learning or (device.home_days >= _SETTLED_HOME_DAYS and strong(device))):
            return True
    return False


def _hopped(history: History, client: Client, network: NetworkUse, at: datetime, policy: Policy) -> bool:
    """Something other than a phone came here from home within minutes, more than once: one home with two addresses.

    A phone that leaves the house changes to its carrier's network as fast.
    """
    device = history.devices[client.device_id]
    before = history.networks.get(device.last_network)
    if _contested(history, network, day_of(at), policy):
        return False
    seconds = at.timestamp() - device.last_time
    if before is None or not 0 <= seconds < _HOP_SECONDS or not is_home(before, day_of(at)):
        return False
    if client.kind == "PHONE" or before.v6 == network.v6 or before.asn != network.asn:
        return False
    network.hops += 1
    return network.hops >= _HOPS


def _renumbered(history: History, client: Client, network: NetworkUse, day: int, policy: Policy) -> bool:
    """The home fell silent, and a device that lives there is in the same block, or with the same provider.

    A household whose addresses are known to be short-lived is recognised at once, another on its second day. A home
    with networks of both families is looked at family by family.
    """
    if not _lives_there(history, client.device_id, day, policy) or _contested(history, network, day, policy):
        return False
    homes = [use for use in history.networks.values() if use.v6 == network.v6 and is_home(use, day)]
    homes = [use for use in homes if day - use.last_day <= _RECENT_DAYS]
    carried = client.kind == "PHONE" and not network.v6
    alike = [use for use in homes if _same_line(use, network, carried=carried)]
    if not alike or any(use.home_day >= network.first_day for use in homes):
        return False
    short_lived = sum(use.last_day - use.first_day <= 1 for use in alike) >= _SHORT_LIVED
    return short_lived or network.last_day > network.first_day


def _lives_there(history: History, device_id: str, day: int, policy: Policy) -> bool:
    """Whether a device was at home on a third of its days; any member, where the home's addresses are short-lived.

    There most of its days at home may have gone unnoticed.
    """
    device = history.devices[device_id]
    lately = [use for use in history.networks.values() if 0 <= day - use.home_day <= _RECENT_DAYS]
    volatile = len(lately) > _SHORT_LIVED
    share = device.home_days > 0 and device.home_days * 3 >= device.active_days
    return share or strong(device) or (volatile and is_member(device, day, policy))


def _contested(history: History, network: NetworkUse, day: int, policy: Policy) -> bool:
    """Whether devices that are no members have been on a network for days: then more is needed to call it a home."""
    return any(
        presence.at(day).bit_count() >= _TOGETHER_DAYS
        for device_id, presence in network.presence.items()
        if device_id in history.devices and not is_member(history.devices[device_id], day, policy)
    )


def _same_line(home: NetworkUse, network: NetworkUse, *, carried: bool) -> bool:
    """Whether two addresses may be one line's: the same provider's block, or for what is not carried the provider."""
    if home.asn and network.asn:
        return home.asn == network.asn and (home.wide == network.wide or not carried)
    return home.wide == network.wide


def _household_there(history: History, place: Sequence[NetworkUse], day: int, policy: Policy) -> bool:
    """Devices at home beyond doubt stay here together on some days, or one as often as at home: a second home.

    Or one for long, while nobody is at home any more: a move. On IPv6, and where something stands that stays where
    it is, few days are enough; elsewhere more: a train has laptops on it, too. A place of phones alone is none.
    """
    if all(carried_only(history, each) and not each.v6 for each in place):
        return False
    private = any(each.v6 or _stands_on(history, each) for each in place)
    enough = _TOGETHER_DAYS if private else _UNSURE_DAYS
    days, together, lives = 0, 0, False
    for device_id in {each for network in place for each in network.presence}:
        device = history.devices.get(device_id)
        if device is None or not is_member(device, day, policy) or not vouches(device):
            continue
        at_home = device.home.at(day) if device.home is not None else 0
        mine = _days_in(place, device_id, day) & ~at_home
        if mine and strong(device):
            together += 1
            days |= mine
        count = mine.bit_count()
        as_at_home = count >= enough and _both_lived_in(at_home.bit_count(), count)
        moved = count >= _LONG_DAYS and strong(device) and _home_is_silent(history, place)
        lives = lives or as_at_home or moved
    lived_in = together >= _TOGETHER_DEVICES and days.bit_count() >= enough
    household = history.home.at(day).bit_count() if history.home is not None else 0
    return lives or (lived_in and (_both_lived_in(household, days.bit_count()) or _home_is_silent(history, place)))


def _both_lived_in(at_home: int, here: int) -> bool:
    """Whether two places share somebody's days: every other weekend is enough, a visit to friends is not."""
    return at_home * _SHARE_HERE >= here and here * _SHARE_THERE >= at_home


def _stands_on(history: History, network: NetworkUse) -> bool:
    return any(history.devices[each].kind in STATIONARY_KINDS for each in network.presence if each in history.devices)


def _days_in(place: Sequence[NetworkUse], device_id: str, day: int) -> int:
    days = 0
    for network in place:
        presence = network.presence.get(device_id)
        if presence is not None:
            days |= presence.at(day)
    return days


def _home_is_silent(history: History, place: Sequence[NetworkUse]) -> bool:
    """Whether nobody was at home since the household was first seen here."""
    return history.home is None or history.home.last_day <= min(network.first_day for network in place)


def _settle(history: History, network: NetworkUse, day: int) -> None:
    """A network is a home from now on, and the days that were spent there were days at home."""
    network.home_day = max(network.home_day, day)
    for device_id, presence in network.presence.items():
        device = history.devices.get(device_id)
        if device is None or (network.contested and device.home_days == 0):
            continue
        for ago in range(WINDOW_DAYS - 1, -1, -1):
            if presence.days >> ago & 1:
                _lived(device, presence.last_day - ago)
        device.second_home_day = 0
    if history.home is None:
        history.home = Presence(last_day=day)
    history.home.mark(day)


def _tidy(history: History, day: int, policy: Policy) -> None:
    """Once a day, keep the days of guests that are about to leave the window, and forget networks unseen for long.

    Looked at as of the day before, so that a long silence loses none.
    """
    if day <= history.tidied_day:
        return
    before = history.tidied_day or day
    guests = guests_in_window(history, before, policy) << (day - before)
    history.tidied_day = day
    _keep_guest_days(history, day, guests >> _LEAVING << _LEAVING)
    for key in [k for k, use in history.networks.items() if day - use.last_day > 3 * WINDOW_DAYS]:
        del history.networks[key]


def _keep_guest_days(history: History, day: int, days: int) -> None:
    """Keep days of guests whose presence is about to be forgotten. They are given back to nobody any more."""
    anchor = max(day, history.guest_anchor)
    kept = guest_ledger(history, days << (anchor - day), anchor)
    history.guest_anchor = anchor
    history.guest_days = kept.to_bytes((LEDGER_DAYS + 7) // 8, "little").rstrip(b"\0")

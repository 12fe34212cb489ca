"""Learning from sightings: presence by day, members, and what is kept of what has to be forgotten.

Only presence teaches: a passed code changes nothing here. Where an account's household lives is found in
:mod:`services.device_trust.domain.homes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.device_trust.domain.evidence import CROWDED, guest_ledger, guests_in_window
from services.device_trust.domain.history import (
    LEDGER_DAYS,
    MAX_DEVICES,
    MAX_DEVICES_ON_NETWORK,
    MAX_NETWORKS,
    MAX_NEWCOMERS,
    MAX_PROFILES,
    WINDOW_DAYS,
    DeviceUse,
    History,
    NetworkUse,
    Presence,
    day_of,
    is_home,
)
from services.device_trust.domain.homes import lived, look_for_home, settle
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client

_LEAP_SECONDS: Final = 2 * 3_600
"""Nobody is seen in two countries within two hours, save at a border."""
_HOURS_KEPT: Final = 600
_MANY_DAYS: Final = 4
_LEAVING: Final = WINDOW_DAYS - 2


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
    found = not is_home(network, day) and look_for_home(history, client, network, at, policy)
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
    settle(history, history.networks[client.network], day)


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
    lived(device, day)
    if history.home is None:
        history.home = Presence(last_day=day)
    history.home.mark(day)
    if client.profile and client.profile not in history.profiles:
        history.profiles = [*history.profiles, client.profile][-MAX_PROFILES:]
    if start:
        history.hours[at.hour] += 1
        if sum(history.hours) > _HOURS_KEPT:
            history.hours = [count // 2 for count in history.hours]


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

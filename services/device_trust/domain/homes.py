"""Homes, learned from who was where: what stays where it is, and where those who live at home stay.

A home is found in one of four ways: the account was made there or its household declared it; it is where an account
that we meet in the middle of its life is mostly used; a television that lived at home is there now, or the home's
address changed; devices that live at home are there together, or for days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.device_trust.domain.evidence import CROWDED, is_learning, is_member
from services.device_trust.domain.history import (
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

_HOP_SECONDS: Final = 1_200
_HOPS: Final = 2
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


def look_for_home(history: History, client: Client, network: NetworkUse, at: datetime, policy: Policy) -> bool:
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
        settle(history, each, day if each is network else each.last_day)
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
            settle(history, use, use.last_day)
    if twin is not None and not is_home(twin, day):
        for use in place_of(history, twin):
            settle(history, use, use.last_day)


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


def settle(history: History, network: NetworkUse, day: int) -> None:
    """A network is a home from now on, and the days that were spent there were days at home."""
    network.home_day = max(network.home_day, day)
    for device_id, presence in network.presence.items():
        device = history.devices.get(device_id)
        if device is None or (network.contested and device.home_days == 0):
            continue
        for ago in range(WINDOW_DAYS - 1, -1, -1):
            if presence.days >> ago & 1:
                lived(device, presence.last_day - ago)
    if history.home is None:
        history.home = Presence(last_day=day)
    history.home.mark(day)


def lived(device: DeviceUse, day: int) -> None:
    """A device was at home on a day."""
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

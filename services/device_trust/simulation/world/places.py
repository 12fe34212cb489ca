"""Places from which a device reaches the service: each says which address the device is seen at."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Protocol

from services.device_trust.simulation.parameters import AddressLife, Networks
from services.device_trust.simulation.world.addresses import Address, Pool, draw_host
from services.device_trust.simulation.world.networks import City, Country, draw_ranked

_DAY = 86_400.0


class PlaceKind(StrEnum):
    """What sort of place it is, for those who count where devices are first seen."""

    HOME = "home"
    SECOND_HOME = "second_home"
    OTHER_PARENT = "other_parent"
    RELATIVES = "relatives"
    DORM = "dorm"
    HOTEL = "hotel"
    OFFICE = "office"
    CAFE = "cafe"
    TRAIN = "train"
    MOBILE = "mobile"
    VPN = "vpn"
    OUTSIDE = "outside"
    """Anywhere that an outsider or a thief is."""


class Place(Protocol):
    """Anything with a network that a device can use."""

    @property
    def kind(self) -> PlaceKind:
        """What sort of place it is."""
        ...

    def address(self, time: float, interface: str | None) -> Address:
        """The address at ``time`` (s); ``interface`` is the device's IPv6 interface, None if it speaks IPv4 alone."""
        ...


class HomeLine:
    """A line of a home provider, which gives it another address now and then. Ask it in the order of time."""

    def __init__(
        self, *, pool: Pool, nat: Pool, networks: Networks, seed: int, kind: PlaceKind, prefix: int | None = None
    ) -> None:
        """``prefix`` puts the line into a neighbour's /24 to begin with; ``nat`` serves it if the provider shares."""
        self._rng = rng = Random(seed)
        self._kind = kind
        self._behind_nat = prefix is None and rng.random() < networks.home_behind_carrier_nat_share
        self._pool = nat if self._behind_nat else pool
        self._has_ipv6 = rng.random() < networks.home_ipv6_share
        self._keeps_prefix = networks.keeps_prefix_share
        self._mean = _draw_life(networks.address_lives, rng).mean_days * _DAY
        self._block = pool
        self._prefix = pool.draw_prefix(rng) if prefix is None else prefix
        if self._behind_nat:
            self._prefix = nat.draw_prefix(rng)
        self._host = draw_host(rng)
        self._delegation = pool.draw_delegation(rng)
        self._changes_at = rng.expovariate(1.0) * self._mean

    @property
    def kind(self) -> PlaceKind:
        """What sort of place it is."""
        return self._kind

    def prefix_at(self, time: float) -> int | None:
        """The /24 that a next-door neighbour shares; None if the line has no address of its own."""
        self._catch_up(time)
        return None if self._behind_nat else self._prefix

    def address(self, time: float, interface: str | None) -> Address:
        """The line's address; behind a carrier's NAT, any of an exit's."""
        self._catch_up(time)
        if interface is not None and self._has_ipv6:
            return self._block.at_ipv6(self._delegation, interface)
        host = draw_host(self._rng) if self._behind_nat else self._host
        return self._pool.at(self._prefix, host)

    def _catch_up(self, time: float) -> None:
        while time >= self._changes_at:
            self._renumber()

    def _renumber(self) -> None:
        rng = self._rng
        if rng.random() >= self._keeps_prefix:
            self._prefix = self._pool.draw_prefix(rng)
        self._host = draw_host(rng)
        self._delegation = self._block.draw_delegation(rng)
        self._changes_at += max(_DAY / 4, rng.expovariate(1.0) * self._mean)


def _draw_life(lives: dict[str, AddressLife], rng: Random) -> AddressLife:
    options = list(lives.values())
    return rng.choices(options, [life.share for life in options])[0]


class SharedNetwork:
    """A network on which every use comes from another address: a mobile carrier, a train, a VPN, a proxy's pool."""

    def __init__(self, *, pool: Pool, rng: Random, kind: PlaceKind, ipv6_share: float = 0.0) -> None:
        self._pool = pool
        self._rng = rng
        self._kind = kind
        self._ipv6_share = ipv6_share

    @property
    def kind(self) -> PlaceKind:
        """What sort of place it is."""
        return self._kind

    def address(self, time: float, interface: str | None) -> Address:
        """Any exit; in IPv6, a prefix that lasts for one session."""
        del time
        if interface is not None and self._rng.random() < self._ipv6_share:
            return self._pool.at_ipv6(self._pool.draw_delegation(self._rng), interface)
        return self._pool.draw_address(self._rng)


class FixedPlace:
    """A place with one address for all who are in it: an office, a hotel, a café, a proxy's exit."""

    def __init__(self, *, address: Address, kind: PlaceKind) -> None:
        self._address = address
        self._kind = kind

    @property
    def kind(self) -> PlaceKind:
        """What sort of place it is."""
        return self._kind

    def address(self, time: float, interface: str | None) -> Address:
        """Always the same."""
        del time, interface
        return self._address


def ranked_place(pool: Pool, kind: PlaceKind, rng: Random) -> FixedPlace:
    """One of the pool's /24s with few addresses in use; the first ones are large and met by many accounts."""
    prefix = pool.first + draw_ranked(pool.size, rng)
    return FixedPlace(address=pool.at(prefix, rng.randint(1, 4)), kind=kind)


def cafe(city: City, rng: Random) -> FixedPlace:
    """A café: an ordinary line among the homes, the same one for all of its guests."""
    index = draw_ranked(city.cafes, rng)
    pool = city.homes[index % len(city.homes)]
    address = pool.at(pool.first + index % pool.size, 1 + index * 37 % 254)
    return FixedPlace(address=address, kind=PlaceKind.CAFE)


def vpn_tunnel(country: Country, provider: int, rng: Random) -> SharedNetwork:
    """A VPN provider's exits in a country."""
    return SharedNetwork(pool=country.vpn[provider % len(country.vpn)], rng=rng, kind=PlaceKind.VPN)

"""Addresses as records show them, and the pools that providers hand them out of."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

# 240.0.0.0/4 is nobody's, and 3fff::/20 is for documentation (RFC 9637): no simulated home is a real one's address.
_FIRST_OCTET = 240
_PREFIXES = 1 << 20
_DELEGATIONS = 1 << 24


class Address(NamedTuple):
    """Where a device is seen: its address, the network's number and the country, each of the latter if known."""

    ip: str
    asn: int | None
    country: str | None


def ipv4(prefix: int, host: int) -> str:
    """A host in the /24 of that number."""
    return f"{_FIRST_OCTET + (prefix >> 16)}.{prefix >> 8 & 255}.{prefix & 255}.{host}"


def ipv6(block: int, delegation: int, interface: str) -> str:
    """An interface in the first /64 of a /56 delegation of a provider's /32."""
    return f"3fff:{block:x}:{delegation >> 8:x}:{(delegation & 255) << 8:x}:{interface}"


def draw_interface(rng: Random) -> str:
    """The lower 64 bits of a device's IPv6 addresses."""
    return ":".join(f"{rng.randint(0x1000, 0xFFFF):x}" for _ in range(4))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """The /24s and the IPv6 block from which a network serves one city, or all of its customers."""

    asn: int
    country: str
    first: int
    size: int
    block: int

    def draw_prefix(self, rng: Random) -> int:
        """One of the pool's /24s."""
        return self.first + int(rng.random() * self.size)

    def draw_address(self, rng: Random) -> Address:
        """Any host of any of the pool's /24s."""
        return self.at(self.draw_prefix(rng), draw_host(rng))

    def draw_delegation(self, rng: Random) -> int:
        """A /56 of the pool's IPv6 block."""
        return int(rng.random() * _DELEGATIONS)

    def at(self, prefix: int, host: int) -> Address:
        """The address of a host, with the pool's network and country."""
        return Address(ipv4(prefix, host), self.asn, self.country)

    def at_ipv6(self, delegation: int, interface: str) -> Address:
        """The address of an interface, with the pool's network and country."""
        return Address(ipv6(self.block, delegation, interface), self.asn, self.country)


def draw_host(rng: Random) -> int:
    """The last octet of an address, 1 to 254."""
    return 1 + int(rng.random() * 254)


class Registry:
    """Gives every network number, /24 and IPv6 block away once."""

    def __init__(self) -> None:
        self._prefixes = 0
        self._blocks = 0
        # Network numbers for private use, and those for documentation: none belongs to a real provider.
        self._access_asn = 4_200_000_000
        self._hosting_asn = 65_536

    def access_asn(self) -> int:
        """A number for a network that people are customers of."""
        self._access_asn += 1
        return self._access_asn

    def hosting_asn(self) -> int:
        """A number for a network of servers."""
        self._hosting_asn += 1
        return self._hosting_asn

    def pool(self, *, asn: int, country: str, size: int) -> Pool:
        """A new pool of ``size`` /24s.

        Raises:
            ValueError: The parameters ask for more addresses than the world has.
        """
        pool = Pool(asn=asn, country=country, first=self._prefixes, size=size, block=self._blocks)
        self._prefixes += size
        self._blocks += 1
        if self._prefixes > _PREFIXES or self._blocks > 1 << 12:
            raise ValueError("networks: these parameters ask for more prefixes than the world has")
        return pool

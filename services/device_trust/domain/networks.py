"""Networks: an address becomes keyed hashes of its prefixes at the door, and goes no further."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from libs.runtime.keys import derive_key, keyed_hash
from services.device_trust.domain.records import NetworkHash

_IPV4_PREFIX_BYTES: Final = 3
"""A /24: what a provider's neighbourhood or a carrier's gateway shares."""
_IPV6_PREFIX_BYTES: Final = 7
"""A /56: what a provider delegates to one home."""
_IPV4_WIDE_BYTES: Final = 2
"""A /16: about what a provider has in a region."""
_IPV6_WIDE_BYTES: Final = 4
"""A /32: what a registry allocates to a provider."""
_HASH_BYTES: Final = 16
_WIDE_BYTES: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The hashes of an address's narrow and wide prefix."""

    narrow: NetworkHash
    wide: bytes
    v6: bool


class NetworkHasher:
    """Hashes the prefixes of an address with a key, so that the tables tell nothing to who lacks the key."""

    def __init__(self, master_key: bytes) -> None:
        """``master_key`` has 32 bytes; with another key, every known network is forgotten."""
        self._key: Final = derive_key(master_key, "device_trust network")

    def hash(self, address: str) -> NetworkHash:
        """The hash of the /24 (IPv4, also when mapped into IPv6) or /56 (IPv6). ValueError for no address."""
        return self.look(address).narrow

    def look(self, address: str) -> Network:
        """The hashes of the narrow (/24, /56) and the wide prefix (/16, /32). ValueError for no address."""
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        family, packed = f"ipv{parsed.version}", parsed.packed
        length, wide = (
            (_IPV4_PREFIX_BYTES, _IPV4_WIDE_BYTES) if parsed.version == 4 else (_IPV6_PREFIX_BYTES, _IPV6_WIDE_BYTES)
        )
        return Network(
            narrow=NetworkHash(keyed_hash(self._key, family, packed[:length])[:_HASH_BYTES]),
            wide=keyed_hash(self._key, family, "wide", packed[:wide])[:_WIDE_BYTES],
            v6=parsed.version == 6,
        )

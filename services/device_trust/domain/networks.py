"""Networks: an address becomes a keyed hash of its prefix at the door, and goes no further."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from libs.runtime.keys import derive_key, keyed_hash
from services.device_trust.domain.records import NetworkHash

_IPV4_PREFIX_BYTES: Final = 3
"""A /24: what a provider's neighbourhood or a carrier's gateway shares."""
_IPV6_PREFIX_BYTES: Final = 7
"""A /56: what a provider delegates to one home."""
_HASH_BYTES: Final = 16


class NetworkHasher:
    """Hashes the prefix of an address with a key, so that the tables tell nothing to who lacks the key."""

    def __init__(self, master_key: bytes) -> None:
        """``master_key`` has 32 bytes; with another key, every known network is forgotten."""
        self._key: Final = derive_key(master_key, "device_trust network")

    def hash(self, address: str) -> NetworkHash:
        """The hash of the /24 (IPv4, also when mapped into IPv6) or /56 (IPv6). ValueError for no address."""
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        length = _IPV4_PREFIX_BYTES if parsed.version == 4 else _IPV6_PREFIX_BYTES
        return NetworkHash(keyed_hash(self._key, f"ipv{parsed.version}", parsed.packed[:length])[:_HASH_BYTES])

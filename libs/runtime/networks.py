"""The prefix that an address is counted under, where a limit is kept by network."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_IPV4_BITS: Final = 24
"""What a carrier's gateway or a neighbourhood shares."""
_IPV6_BITS: Final = 56
"""What a provider delegates to one home."""


def network_of(address: str) -> str:
    """The prefix: /24 (IPv4, also when mapped into IPv6) or /56 (IPv6). Raises ValueError for what is no address."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, _IPV4_BITS if parsed.version == 4 else _IPV6_BITS), strict=False))

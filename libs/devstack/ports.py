"""The ports of a local stack."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from libs.testing.postgres_host import free_port


def choose_ports(services: Sequence[str], base: int | None) -> dict[str, int]:
    """``base`` for the first service and those after it for the others, where all are free; else free ones."""
    if base is not None and all(_is_free(base + offset) for offset in range(len(services))):
        return {service: base + offset for offset, service in enumerate(services)}
    chosen: list[int] = []
    while len(chosen) < len(services):
        port = free_port()
        if port not in chosen:
            chosen.append(port)
    return dict(zip(services, chosen, strict=True))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True

"""The ports of a local stack."""

from __future__ import annotations

import socket

import pytest

from libs.devstack.ports import choose_ports

NAMES = ("gateway", "identity", "challenge")


def test_without_a_base_each_gets_a_free_port_of_its_own() -> None:
    ports = choose_ports(NAMES, None)
    assert tuple(ports) == NAMES
    assert len(set(ports.values())) == len(NAMES)


def test_where_one_of_the_row_is_taken_all_move_elsewhere() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = choose_ports(NAMES, port - 1)
    assert port not in ports.values()
    assert len(set(ports.values())) == len(NAMES)


@pytest.mark.parametrize("base", [65_534, 70_000])
def test_a_row_that_runs_past_the_last_port_moves_elsewhere(base: int) -> None:
    assert max(choose_ports(NAMES, base).values()) <= 65_535

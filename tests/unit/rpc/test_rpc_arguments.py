"""gRPC says nothing to an argument that it does not know: a name with a slip in it sets nothing."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from libs.rpc.channel import channel_arguments
from libs.rpc.server import ServerOptions

SPEC = find_spec("grpc._cython.cygrpc")
assert SPEC is not None
assert SPEC.origin is not None
CORE = Path(SPEC.origin).read_bytes()


@pytest.mark.parametrize(
    "name", sorted({name for name, _ in [*ServerOptions().channel_arguments(), *channel_arguments()]})
)
def test_every_argument_of_a_channel_or_server_is_one_that_grpc_knows(name: str) -> None:
    assert name.encode() in CORE


def test_a_misspelt_argument_would_be_noticed() -> None:
    assert b"grpc.http2.min_recv_ping_interval_without_data_ms" not in CORE


def test_a_server_lets_the_clients_of_the_house_ping_as_often_as_they_do() -> None:
    least = dict(ServerOptions().channel_arguments())["grpc.http2.min_ping_interval_without_data_ms"]
    assert dict(channel_arguments())["grpc.keepalive_time_ms"] > least

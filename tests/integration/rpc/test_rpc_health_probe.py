"""Health as the probes of a container ask for it: alive, ready, and what the probe command makes of both."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from libs.rpc import probe as probe_command
from libs.rpc.health import LIVENESS
from libs.testing.postgres_host import free_port

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE = "hearthgate.probe.v1.ProbeService"


class Dependency:
    """Something a service needs, that can be taken away."""

    def __init__(self, *, up: bool) -> None:
        self.up = up

    async def ping(self) -> None:
        if not self.up:
            raise ConnectionError("down")


async def status_of(stub: Any, service: str) -> int:
    """What the server says of a name."""
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def run_probe(*arguments: str) -> int:
    """The probe command's exit code; it blocks, so it has a thread of its own."""
    return await asyncio.to_thread(probe_command.main, list(arguments))


async def test_liveness_stays_serving_while_the_empty_name_follows_the_check(serve: Any) -> None:
    dependency = Dependency(up=True)
    server = await serve(health_check=dependency.ping, options={"health_interval": 0.01})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=""))
        for up, expected in ((True, SERVING), (False, NOT_SERVING), (True, SERVING)):
            dependency.up = up
            assert (await watch.read()).status == expected
            assert await status_of(stub, "") == expected
            assert await status_of(stub, LIVENESS) == SERVING
        watch.cancel()


async def test_liveness_stays_serving_while_a_server_drains(serve: Any) -> None:
    server = await serve()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        alive = stub.Watch(health_pb2.HealthCheckRequest(service=LIVENESS))
        ready = stub.Watch(health_pb2.HealthCheckRequest(service=""))
        assert (await alive.read()).status == (await ready.read()).status == SERVING
        stopping = asyncio.create_task(server.stop(10, delay=0.5))
        assert (await ready.read()).status == NOT_SERVING
        assert await status_of(stub, LIVENESS) == SERVING
        assert await status_of(stub, "") == NOT_SERVING
        assert await alive.code() is grpc.StatusCode.UNAVAILABLE, "without another word before"
    await stopping


@pytest.mark.parametrize("name", ["", LIVENESS, SERVICE])
async def test_the_probe_is_content_with_a_server_that_serves(
    name: str, serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server = await serve()
    capsys.readouterr()
    assert await run_probe(f"127.0.0.1:{server.port}", *([name] if name else [])) == 0
    assert capsys.readouterr() == ("", "")


async def test_the_probe_says_that_a_server_does_not_serve_and_finds_it_alive(
    serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"127.0.0.1:{(await serve(health_check=Dependency(up=False).ping)).port}"
    capsys.readouterr()
    assert await run_probe(address) == 1
    assert capsys.readouterr().err == f"{address}: not serving\n"
    assert await run_probe(address, LIVENESS) == 0


async def test_the_probe_says_that_a_service_is_not_there(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{(await serve()).port}"
    assert await run_probe(address, "hearthgate.nobody.v1.NobodyService") == 1
    assert capsys.readouterr().err == f"{address}: NOT_FOUND\n"


async def test_the_probe_says_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert await run_probe(address) == 1
    assert capsys.readouterr().err == f"{address}: UNAVAILABLE\n"


def test_the_probe_without_an_address_is_wrong_use() -> None:
    with pytest.raises(SystemExit) as caught:
        probe_command.main([])
    assert caught.value.code == 2

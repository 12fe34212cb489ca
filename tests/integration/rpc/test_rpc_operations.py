"""What every server offers to operators: health, reflection, channelz."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from libs.rpc.channel import open_channel
from libs.rpc.server import Server

SERVICE = "hearthgate.probe.v1.ProbeService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def plain(server: Server) -> grpc.aio.Channel:
    """A channel without credentials, as a probe has."""
    return grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")


class Dependency:
    """Something a service needs, that can be taken away."""

    def __init__(self, *, up: bool) -> None:
        self.up = up

    async def ping(self) -> None:
        if not self.up:
            raise ConnectionError("down")


async def test_health_follows_what_the_service_depends_on(serve: Any) -> None:
    dependency = Dependency(up=False)
    server = await serve(health_check=dependency.ping, options={"health_interval": 0.01})
    async with plain(server) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        seen = []
        for up in (True, False, True):
            seen.append((await watch.read()).status)
            dependency.up = up
        seen.append((await watch.read()).status)
        watch.cancel()
    assert seen == [NOT_SERVING, SERVING, NOT_SERVING, SERVING]


async def test_a_check_that_hangs_means_not_serving(serve: Any) -> None:
    server = await serve(health_check=asyncio.Event().wait, options={"health_timeout": 0.01})
    async with plain(server) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == NOT_SERVING


async def test_health_answers_for_the_server_and_for_each_service(serve: Any) -> None:
    async with plain(await serve()) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
        listed = await stub.List(health_pb2.HealthListRequest())
        assert {name: each.status for name, each in listed.statuses.items()} == {"": SERVING, SERVICE: SERVING}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
        assert (await watch.read()).status == SERVICE_UNKNOWN
        watch.cancel()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_describes_the_services(version: str, serve: Any) -> None:
    async with plain(await serve()) as channel:
        method = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
        ]
        listed, described = [each async for each in method(iter(asked))]
    assert [each.name for each in listed.list_services_response.service] == [
        "grpc.channelz.v1.Channelz",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE,
    ]
    assert b"ProbeRequest" in described.file_descriptor_response.file_descriptor_proto[0]


async def test_channelz_shows_the_servers_sockets(serve: Any) -> None:
    async with plain(await serve()) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        servers = (await stub.GetServers(channelz_pb2.GetServersRequest(start_server_id=0))).server
        assert any(each.listen_socket for each in servers)


async def test_two_servers_cannot_share_a_port(serve: Any) -> None:
    server = await serve()
    with pytest.raises(RuntimeError, match="bind"):
        await serve(options={"listen_address": f"127.0.0.1:{server.port}"})


async def test_a_message_over_the_size_limit_is_refused(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve(options={"max_message_bytes": 1000}, allowed_callers=frozenset({"*"}))
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.rpc.ProbeServiceStub(channel).Ask(probe.request("x" * 2000))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

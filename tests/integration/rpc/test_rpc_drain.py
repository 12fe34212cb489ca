"""Stopping: calls under way finish, streams end, and callers notice nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call, call_stream, open_channel
from libs.rpc.drain import draining
from libs.runtime.errors import ErrorReason, ServiceError

GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
ROUND_ROBIN = ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')


async def test_a_call_under_way_finishes_though_the_server_stops(serve: Any, connect: Any, probe: Any) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(text: str) -> str:
        began.set()
        await go_on.wait()
        return text

    server = await serve(slow)
    stub = await connect(server)
    answer = asyncio.create_task(call(stub.Ask, probe.request("x")))
    await began.wait()
    stopping = asyncio.create_task(server.stop(10))
    await server.draining.wait()
    go_on.set()
    assert (await answer).text == "x"
    await stopping


async def test_a_stream_that_waits_ends_with_draining_and_a_retry_delay(serve: Any, connect: Any, probe: Any) -> None:
    cleaned_up = asyncio.Event()

    async def first_only(text: str) -> str:
        if text == "wait":
            try:
                await asyncio.Event().wait()
            finally:
                cleaned_up.set()
        return text

    server = await serve(first_only)
    stub = await connect(server)
    seen = []
    with pytest.raises(ServiceError) as caught:
        async for each in call_stream(stub.AskMany, probe.request("first wait never")):
            seen.append(each.text)
            # Far longer than the test may take: the stream must not wait for the end of the grace.
            stopping = asyncio.create_task(server.stop(3600))
    assert (seen, caught.value.reason) == (["first"], ErrorReason.DRAINING)
    assert caught.value.retry_after == timedelta(milliseconds=100)
    await stopping
    assert cleaned_up.is_set()


async def test_a_stream_that_is_busy_ends_after_its_present_message(serve: Any, connect: Any, probe: Any) -> None:
    async def keep_talking(text: str) -> str:
        await asyncio.sleep(0)
        return text

    server = await serve(keep_talking)
    stub = await connect(server)
    rpc = stub.Converse()
    await rpc.write(probe.request("x"))
    assert (await rpc.read()).text == "x"
    stopping = asyncio.create_task(server.stop(3600))
    await server.draining.wait()
    assert await rpc.code() is grpc.StatusCode.UNAVAILABLE
    await stopping


async def test_a_handler_can_wait_for_the_drain(serve: Any, connect: Any, probe: Any) -> None:
    began = asyncio.Event()

    async def until_drained(text: str) -> str:
        began.set()
        await draining().wait()
        return "drained"

    server = await serve(until_drained)
    stub = await connect(server)
    answer = asyncio.create_task(call(stub.Ask, probe.request("x")))
    await began.wait()
    await server.stop(3600)
    assert (await answer).text == "drained"


async def test_health_says_not_serving_before_calls_are_refused(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve()
    stub = await connect(server)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(server.stop(10, delay=0.5))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not server.draining.is_set()
        assert (await call(stub.Ask, probe.request("x"))).text == "x"
        assert await watch.code() is grpc.StatusCode.UNAVAILABLE
    await stopping


async def test_no_caller_sees_an_error_while_replicas_restart_one_after_the_other(
    serve: Any, connect: Any, probe: Any, cleanup: Any
) -> None:
    async def work(text: str) -> str:
        await asyncio.sleep(0.002)
        return text

    replicas = [await serve(work), await serve(work)]
    stub, over, refused = await connect(*replicas), asyncio.Event(), asyncio.Event()
    target = "ipv4:" + ",".join(f"127.0.0.1:{each.port}" for each in replicas)

    async def caller() -> int:
        answered = 0
        while not over.is_set():
            assert (await call(stub.Ask, probe.request("x"), timeout=10)).text == "x"
            answered += 1
        return answered

    async def careless_caller(careless: Any) -> None:
        while not over.is_set():
            try:
                await careless.Ask(probe.request("x"), metadata=GATEWAY.metadata())
            except grpc.aio.AioRpcError:
                refused.set()

    callers = [asyncio.create_task(caller()) for _ in range(20)]
    plain = await cleanup.enter_async_context(
        grpc.aio.insecure_channel(target, [("grpc.enable_retries", 0), ROUND_ROBIN])
    )
    careless = probe.rpc.ProbeServiceStub(plain)
    careless_callers = [asyncio.create_task(careless_caller(careless)) for _ in range(20)]
    for turn in range(6):
        old = replicas[turn % 2]
        await old.stop(5)
        replicas[turn % 2] = await serve(work, options={"listen_address": f"127.0.0.1:{old.port}"})
        # A round of calls through both, so that each restart meets a channel at work.
        await asyncio.gather(*(call(stub.Ask, probe.request("y"), timeout=10) for _ in range(50)))
    over.set()
    assert sum(await asyncio.gather(*callers)) > 0
    await asyncio.gather(*careless_callers)
    assert refused.is_set(), "the restarts were too gentle to prove anything"


async def test_a_stop_without_grace_is_for_a_caller_an_unavailable_dependency(
    serve: Any, connect: Any, probe: Any
) -> None:
    began = asyncio.Event()

    async def hang(text: str) -> str:
        began.set()
        await asyncio.Event().wait()
        return text

    server = await serve(hang)
    stub = await connect(server)
    answer = asyncio.create_task(call(stub.Ask, probe.request("x"), timeout=2))
    await began.wait()
    await server.stop(None)
    with pytest.raises(ServiceError) as caught:
        await answer
    assert caught.value.reason in (ErrorReason.DEPENDENCY_UNAVAILABLE, ErrorReason.DEADLINE_EXCEEDED)


async def test_a_channel_closed_under_a_call_is_an_error_and_no_cancellation(serve: Any, probe: Any) -> None:
    began = asyncio.Event()

    async def hang(text: str) -> str:
        began.set()
        await asyncio.Event().wait()
        return text

    server = await serve(hang)
    channel = open_channel(f"127.0.0.1:{server.port}", caller=GATEWAY)
    answer = asyncio.create_task(call(probe.rpc.ProbeServiceStub(channel).Ask, probe.request("x")))
    await began.wait()
    await channel.close()
    with pytest.raises(ServiceError) as caught:
        await answer
    assert caught.value.reason is ErrorReason.DEPENDENCY_UNAVAILABLE

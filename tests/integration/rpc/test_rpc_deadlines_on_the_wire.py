"""Deadlines through real servers: defaults, refusals, and a budget that shrinks from hop to hop."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from libs.rpc import deadlines
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError


async def budget(text: str) -> str:
    """Answers with the seconds left."""
    return str(deadlines.remaining())


async def for_ever(text: str) -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return text


async def test_a_call_without_a_deadline_gets_the_servers_default(serve: Any, probe: Any) -> None:
    server = await serve(budget, allowed_callers=frozenset({"*"}), options={"default_deadline": 3.0})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answer = await probe.rpc.ProbeServiceStub(channel).Ask(probe.request("x"))
    assert 0 < float(answer.text) <= 3.0


async def test_the_default_deadline_ends_a_call_that_hangs(serve: Any, probe: Any) -> None:
    server = await serve(for_ever, allowed_callers=frozenset({"*"}), options={"default_deadline": 0.05})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.rpc.ProbeServiceStub(channel).Ask(probe.request("x"))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stream_has_a_default_deadline_of_its_own(serve: Any, probe: Any) -> None:
    options = {"default_deadline": 60.0, "default_stream_deadline": 0.05}
    server = await serve(for_ever, allowed_callers=frozenset({"*"}), options=options)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        rpc = probe.rpc.ProbeServiceStub(channel).AskMany(probe.request("x"))
        assert await rpc.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_timeout_of_the_application_is_not_taken_for_the_deadline(serve: Any, probe: Any) -> None:
    async def times_out(text: str) -> str:
        raise TimeoutError

    server = await serve(times_out, allowed_callers=frozenset({"*"}))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.rpc.ProbeServiceStub(channel).Ask(probe.request("x"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_each_hop_has_less_time_than_the_one_before(serve: Any, connect: Any, probe: Any) -> None:
    inner = await connect(await serve(budget))

    async def ask_inner(text: str) -> str:
        own = deadlines.remaining()
        answer = await call(inner.Ask, probe.request(text), timeout=60)
        return f"{own} {answer.text}"

    outer = await connect(await serve(ask_inner))
    answer = await call(outer.Ask, probe.request("x"), timeout=4)
    first, second = map(float, answer.text.split())
    # On the wire a timeout of seconds is rounded up to 10 ms, which is half of the reserve.
    assert 0 < second < first < 4.02


async def test_a_hop_that_has_no_time_left_says_so(serve: Any, connect: Any, probe: Any) -> None:
    reached = asyncio.Event()

    async def reach(text: str) -> str:
        reached.set()
        return text

    inner = await connect(await serve(reach))

    async def late(text: str) -> str:
        left = deadlines.remaining()
        assert left is not None
        await asyncio.sleep(left - deadlines.RESERVE)
        return str((await call(inner.Ask, probe.request(text))).text)

    # The default deadline, as the transport would end the call by itself at a deadline of the caller's.
    server = await serve(late, allowed_callers=frozenset({"*"}), options={"default_deadline": 0.3})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.rpc.ProbeServiceStub(channel).Ask(probe.request("x"))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not reached.is_set()


async def test_the_handler_is_cancelled_when_its_caller_gives_up(serve: Any, connect: Any, probe: Any) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(text: str) -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return text

    stub = await connect(await serve(hang))
    waiting = asyncio.create_task(call(stub.Ask, probe.request("x")))
    await began.wait()
    waiting.cancel()
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_the_callers_timeout_is_a_deadline_exceeded(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve(for_ever))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"), timeout=0.1)
    assert caught.value.reason is ErrorReason.DEADLINE_EXCEEDED

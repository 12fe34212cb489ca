"""Calls of every shape through a real server: answers, errors, validation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from libs.rpc.channel import call, call_stream
from libs.rpc.errors import CATALOGUE, RemoteError
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError

CANARY = "canary-7f3a"
SHAPES = ("Ask", "AskMany", "TellMany", "Converse")


async def invoke(stub: Any, shape: str, *requests: Any) -> list[Any]:
    """The responses of a call, whatever its shape."""

    async def stream() -> AsyncIterator[Any]:
        for request in requests:
            yield request

    request = requests[0] if shape in ("Ask", "AskMany") else stream()
    rpc = getattr(stub, shape)(request)
    return [each.text async for each in rpc] if shape in ("AskMany", "Converse") else [(await rpc).text]


async def broken(text: str) -> str:
    """Fails as nobody foresaw."""
    raise ValueError(CANARY)


async def test_every_shape_answers(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve())
    one, two = probe.request("one"), probe.request("two")
    assert await invoke(stub, "Ask", one) == ["one"]
    assert await invoke(stub, "AskMany", probe.request("one two")) == ["one", "two"]
    assert await invoke(stub, "TellMany", one, two) == ["one two"]
    assert await invoke(stub, "Converse", one, two) == ["one", "two"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing_of_an_exceptions_text_reaches_the_caller(
    shape: str, serve: Any, connect: Any, probe: Any
) -> None:
    stub = await connect(await serve(broken))
    with capture_logs() as logs, pytest.raises(grpc.aio.AioRpcError) as caught:
        await invoke(stub, shape, probe.request("x"))
    error = caught.value
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == CATALOGUE[ErrorReason.INTERNAL].text
    sent = [error.details(), error.debug_error_string(), *(error.trailing_metadata() or ())]
    assert CANARY not in repr(sent)
    assert "ValueError" not in repr(sent)
    assert CANARY in repr([entry["exc_info"] for entry in logs if entry["log_level"] == "error"])


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_broken_rule_of_the_proto_names_the_field(shape: str, serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve())
    request = probe.request("x", items=[{"id": "12345678-1234-1234-1234-123456789abc"}, {"id": "nonsense"}])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await invoke(stub, shape, request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_every_violation_has_its_path(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve())
    bad = {"id": "nonsense"}
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x" * 41, item=bad, items=[bad], named={"k": bad}))
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert [each.field for each in caught.value.fields] == ["text", "item.id", "items[0].id", 'named["k"].id']
    assert all(each.description for each in caught.value.fields)


async def test_bytes_that_are_no_message_are_an_invalid_argument(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve(allowed_callers=frozenset({"*"}))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        ask: Any = channel.unary_unary("/hearthgate.probe.v1.ProbeService/Ask")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_error_of_the_domain_arrives_as_it_was_raised(serve: Any, connect: Any, probe: Any) -> None:
    fields = (FieldViolation(field="text", description="is taken"),)

    async def refuse(text: str) -> str:
        raise ServiceError(
            ErrorReason.STATE_CONFLICT,
            detail=CANARY,
            fields=fields,
            retry_after=timedelta(minutes=2),
            metadata={"resource": "text"},
        )

    stub = await connect(await serve(refuse))
    with pytest.raises(RemoteError) as caught:
        await call(stub.Ask, probe.request("x"))
    error = caught.value
    assert (error.reason, error.fields, error.retry_after, error.metadata, error.status) == (
        ErrorReason.STATE_CONFLICT,
        fields,
        timedelta(minutes=2),
        {"resource": "text"},
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    assert CANARY not in repr(error.__cause__)


async def test_an_error_in_the_middle_of_a_stream_follows_the_messages_before_it(
    serve: Any, connect: Any, probe: Any
) -> None:
    async def until_three(text: str) -> str:
        if text == "three":
            raise ServiceError(ErrorReason.NOT_FOUND)
        return text

    stub = await connect(await serve(until_three))
    seen = []
    with pytest.raises(ServiceError) as caught:
        async for each in call_stream(stub.AskMany, probe.request("one two three four")):
            seen.append(each.text)
    assert (seen, caught.value.reason) == (["one", "two"], ErrorReason.NOT_FOUND)


async def test_an_answer_that_cannot_be_serialised_is_an_internal_error(serve: Any, connect: Any, probe: Any) -> None:
    async def wrong(text: str) -> Any:
        return 7

    stub = await connect(await serve(wrong))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert caught.value.reason is ErrorReason.INTERNAL


async def test_a_cancellation_from_inside_the_handler_is_answered(serve: Any, connect: Any, probe: Any) -> None:
    async def cancelled(text: str) -> str:
        raise asyncio.CancelledError

    stub = await connect(await serve(cancelled))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert caught.value.reason is ErrorReason.INTERNAL


async def test_a_method_that_the_servicer_leaves_out_is_unimplemented(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Missing(probe.request("x"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_handler_that_is_not_async_is_refused_when_the_server_is_built(probe: Any) -> None:
    class Blocking(probe.rpc.ProbeServiceServicer):  # type: ignore[misc]  # compiled just now
        def Ask(self, request: Any, context: Any) -> Any:
            return probe.pb.ProbeResponse()

    registration = Registration(
        add=probe.rpc.add_ProbeServiceServicer_to_server,
        servicer=Blocking(),
        service_name="hearthgate.probe.v1.ProbeService",
        allowed_callers=frozenset({"*"}),
    )
    with pytest.raises(TypeError, match="ProbeService/Ask must be a coroutine function"):
        build_server(ServerOptions(), [registration])


async def test_a_registration_for_a_method_that_is_not_there_is_refused(
    serve: Callable[..., Awaitable[Any]],
) -> None:
    with pytest.raises(ValueError, match="has no Aks"):
        await serve(by_method={"Aks": frozenset({"operator"})})


async def test_an_abort_by_the_handler_itself_is_left_alone(probe: Any, connect: Any, cleanup: Any) -> None:
    class Aborting(probe.rpc.ProbeServiceServicer):  # type: ignore[misc]  # compiled just now
        async def Ask(self, request: Any, context: Any) -> Any:
            await context.abort(grpc.StatusCode.DATA_LOSS, "fixed text")

    registration = Registration(
        add=probe.rpc.add_ProbeServiceServicer_to_server,
        servicer=Aborting(),
        service_name="hearthgate.probe.v1.ProbeService",
        allowed_callers=frozenset({"*"}),
    )
    server = await cleanup.enter_async_context(build_server(ServerOptions(), [registration]))
    stub = await connect(server, caller=None)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Ask(probe.request("x"))
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "fixed text")

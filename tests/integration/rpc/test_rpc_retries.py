"""What the channel repeats by itself, and what it leaves to its caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError


class Failing:
    """Fails as told for the first calls, then answers with the number of calls it took."""

    def __init__(self, error: ServiceError, *, times: int) -> None:
        self._error = error
        self._times = times
        self.calls = 0

    def behaviour(self) -> Callable[[str], Awaitable[str]]:
        async def answer(text: str) -> str:
            self.calls += 1
            if self.calls <= self._times:
                raise self._error
            return str(self.calls)

        return answer


async def test_an_unavailable_instance_is_tried_again(serve: Any, connect: Any, probe: Any) -> None:
    failing = Failing(ServiceError(ErrorReason.STORAGE_UNAVAILABLE), times=2)
    stub = await connect(await serve(failing.behaviour()))
    assert (await call(stub.Ask, probe.request("x"))).text == "3"


async def test_a_short_retry_delay_is_waited_for(serve: Any, connect: Any, probe: Any) -> None:
    failing = Failing(ServiceError(ErrorReason.DRAINING, retry_after=timedelta(milliseconds=20)), times=1)
    stub = await connect(await serve(failing.behaviour()))
    assert (await call(stub.Ask, probe.request("x"))).text == "2"


async def test_a_long_retry_delay_goes_to_the_caller_at_once(serve: Any, connect: Any, probe: Any) -> None:
    failing = Failing(ServiceError(ErrorReason.STORAGE_UNAVAILABLE, retry_after=timedelta(seconds=30)), times=9)
    stub = await connect(await serve(failing.behaviour()))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert (caught.value.retry_after, failing.calls) == (timedelta(seconds=30), 1)


@pytest.mark.parametrize("reason", [ErrorReason.OVERLOADED, ErrorReason.CONCURRENT_CHANGE, ErrorReason.INTERNAL])
async def test_what_a_repetition_would_make_worse_is_not_repeated(
    reason: ErrorReason, serve: Any, connect: Any, probe: Any
) -> None:
    failing = Failing(ServiceError(reason), times=9)
    stub = await connect(await serve(failing.behaviour()))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert (caught.value.reason, failing.calls) == (reason, 1)


async def test_an_error_of_a_service_behind_reaches_the_caller_with_its_fields(
    serve: Any, connect: Any, probe: Any
) -> None:
    behind = await connect(await serve())

    async def pass_on(text: str) -> str:
        return str((await call(behind.Ask, probe.request(text * 41))).text)

    stub = await connect(await serve(pass_on))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert (caught.value.reason, caught.value.fields[0].field) == (ErrorReason.INVALID_FIELD, "text")


async def test_a_refusal_of_the_service_itself_by_one_behind_is_internal(serve: Any, connect: Any, probe: Any) -> None:
    behind = await connect(await serve(), caller=None)

    async def pass_on(text: str) -> str:
        return str((await call(behind.Ask, probe.request(text))).text)

    stub = await connect(await serve(pass_on))
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"))
    assert caught.value.reason is ErrorReason.INTERNAL


async def test_a_service_that_is_not_there_is_an_unavailable_dependency(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve()
    port = server.port
    await server.stop(None)
    stub = await connect(port)
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, probe.request("x"), timeout=5)
    assert caught.value.reason is ErrorReason.DEPENDENCY_UNAVAILABLE

"""The pipeline: what happens around every handler, put together once for each method when the server is built.

telemetry -> errors -> deadline -> caller -> validation -> handler, for all four shapes. Handlers are wrapped as they
are registered rather than by a gRPC interceptor: that costs nothing per call, and (de)serialisation comes under the
same roof, so that none of its errors can reach a caller as raw text.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message

from libs.rpc import deadlines
from libs.rpc.callers import KnownCallers, current_caller
from libs.rpc.drain import Drain
from libs.rpc.errors import CATALOGUE, RemoteError, hide_inner_reason, to_status, to_trailers
from libs.rpc.telemetry import ServerTelemetry
from libs.rpc.validation import RequestValidator, decode
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger

_LOG = get_logger(__name__)
_OUR_FAULT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_CALLERS_SETUP = frozenset({ErrorReason.CALLER_UNKNOWN, ErrorReason.CALLER_NOT_ALLOWED})
# What somebody runs into who tries things out (OWASP ASVS 5.0, 16.3.2 and 16.3.3): other people's things, wrong
# passwords, malformed input, more often than is allowed.
_ATTEMPTS = frozenset(
    {
        ErrorReason.INVALID_FIELD,
        ErrorReason.SESSION_UNKNOWN,
        ErrorReason.CREDENTIALS_REJECTED,
        ErrorReason.DEVICE_NOT_TRUSTED,
        ErrorReason.NOT_FOUND,
        ErrorReason.LIMIT_EXCEEDED,
    }
)

Body = Callable[[Any, Any], Awaitable[bytes | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method as registered. ``allowed_callers`` is None for health, reflection and channelz: open, unbounded."""

    path: str
    handler: grpc.RpcMethodHandler[Any, Any]
    allowed_callers: frozenset[str] | None
    default_deadline: float

    @property
    def request_type(self) -> type[Message] | None:
        """The class of its requests; None where they are not protobuf messages."""
        owner = getattr(self.handler.request_deserializer, "__self__", None)
        return owner if isinstance(owner, type) and issubclass(owner, Message) else None

    @property
    def behaviour(self) -> Callable[[Any, Any], Any]:
        """The servicer's function."""
        handler = self.handler
        behaviours = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
        return next(each for each in behaviours if each is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """The layers that all methods of a server share."""

    callers: KnownCallers
    validator: RequestValidator
    telemetry: ServerTelemetry
    drain: Drain

    def wrap(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler that gRPC gets in place of ``method.handler``. It takes and gives raw bytes.

        Raises TypeError for a handler that is not of the async form its shape asks for.
        """
        handle = self._guarded(method, self._body(method))
        if method.allowed_callers is not None:
            handle = self.telemetry.observe(method.path, handle)
        match method.handler.request_streaming, method.handler.response_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(handle)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(handle)
            case True, False:
                return grpc.stream_unary_rpc_method_handler(handle)
        return grpc.stream_stream_rpc_method_handler(handle)

    def _guarded(self, method: Method, body: Body) -> Body:
        async def handle(request: Any, context: Any) -> bytes | None:
            try:
                seconds = self._admit(method, context)
                if seconds is None:
                    return await body(request, context)
                return await _within(seconds, body(request, context))
            except grpc.aio.AbortError:
                raise
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                # It came out of something the handler awaited; gRPC would leave the caller without an answer.
                await _refuse(method, context, error)
            except Exception as error:
                await _refuse(method, context, error)

        return handle

    def _admit(self, method: Method, context: Any) -> float | None:
        self.drain.enter_call()
        if method.allowed_callers is None:
            return None
        seconds = deadlines.accept(context.time_remaining(), method.default_deadline)
        self.callers.admit(context, method.allowed_callers)
        return seconds

    def _body(self, method: Method) -> Body:
        behaviour = _behaviour(method)
        read = self._reader(method)
        write = method.handler.response_serializer or bytes

        def requests(raw: Any) -> Any:
            return _each(raw, read) if method.handler.request_streaming else read(raw)

        async def answer(raw: Any, context: Any) -> bytes | None:
            return write(await behaviour(requests(raw), context))

        async def stream(raw: Any, context: Any) -> bytes | None:
            messages = behaviour(requests(raw), context)
            try:
                while True:
                    message = await self.drain.next_of(messages)
                    await context.write(write(message))
            except StopAsyncIteration:
                return None
            finally:
                await messages.aclose()

        return stream if method.handler.response_streaming else answer

    def _reader(self, method: Method) -> Callable[[bytes], Any]:
        message = method.request_type
        if message is None:
            return method.handler.request_deserializer or bytes
        if method.allowed_callers is None:
            return lambda raw: decode(message, raw)

        def read(raw: bytes) -> Message:
            request = decode(message, raw)
            self.validator.check(request)
            return request

        return read


def _behaviour(method: Method) -> Callable[[Any, Any], Any]:
    streams = method.handler.response_streaming
    is_right = inspect.isasyncgenfunction if streams else inspect.iscoroutinefunction
    if not is_right(method.behaviour):
        form = "an async generator (yield its messages)" if streams else "a coroutine function"
        raise TypeError(f"the handler of {method.path} must be {form}")
    return method.behaviour


async def _each(raw: AsyncIterator[bytes], read: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    async for message in raw:
        yield read(message)


async def _within(seconds: float, work: Awaitable[bytes | None]) -> bytes | None:
    """Run a call that came without a deadline, which the transport therefore does not end."""
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            return await work
    except TimeoutError:
        if not timeout.expired():
            raise
        detail = f"the default deadline of {seconds:g} s has passed"
        raise ServiceError(ErrorReason.DEADLINE_EXCEEDED, detail=detail) from None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _refuse(method: Method, context: grpc.aio.ServicerContext[Any, Any], error: BaseException) -> NoReturn:
    """End the call with the error's public side; its other side goes into the log."""
    answer = _answer_to(error)
    status = to_status(answer)
    _log(method, answer, error)
    await context.abort(CATALOGUE[answer.reason].status, status.message, to_trailers(answer, status))


def _answer_to(error: BaseException) -> ServiceError:
    if isinstance(error, RemoteError):
        return hide_inner_reason(error)
    if isinstance(error, ServiceError):
        return error
    return ServiceError(ErrorReason.INTERNAL, detail=type(error).__name__)


def _log(method: Method, answer: ServiceError, error: BaseException) -> None:
    status = CATALOGUE[answer.reason].status
    facts = {"method": method.path, "caller": current_caller(), "reason": answer.reason.value, "detail": answer.detail}
    if status is grpc.StatusCode.INTERNAL:
        _LOG.error("call failed", exc_info=error, **facts)
    elif status in _OUR_FAULT or answer.reason in _CALLERS_SETUP:
        _LOG.warning("call failed", **facts)
    elif answer.reason in _ATTEMPTS:
        _LOG.info("call refused", **facts)
    else:
        _LOG.debug("call refused", **facts)

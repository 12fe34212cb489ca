"""The one way to open a channel: retries with a budget, the deadline's remainder, the caller's name, the trace.

All of it is added as the call is made, without gRPC's client interceptors, which cost a task for every call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc

from libs.rpc.callers import CallerCredentials
from libs.rpc.deadlines import outgoing_timeout
from libs.rpc.errors import from_rpc_error
from libs.rpc.telemetry import ClientTelemetry
from libs.runtime.errors import ErrorReason, ServiceError

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

DEFAULT_TIMEOUT: Final = 5.0
DEFAULT_STREAM_TIMEOUT: Final = 600.0

# CANCELLED is what the calls see that reach a replica in the moment in which it stops. Retries end when they, as a
# share of the successes, pass the token ratio; the tokens allow for every call under way when a replica goes.
_METHODS: Final[list[dict[str, Any]]] = [
    {
        "name": [{}],
        "waitForReady": False,
        "retryPolicy": {
            "maxAttempts": 5,
            "initialBackoff": "0.05s",
            "maxBackoff": "1s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
        },
    }
]
_SERVICE_CONFIG: Final[dict[str, Any]] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "retryThrottling": {"maxTokens": 1000, "tokenRatio": 0.1},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTlsFiles:
    """PEM files of a client: whom it trusts, and its own certificate where servers demand one."""

    authority: Path
    certificate: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files. Raises OSError."""
        certificate = self.certificate.read_bytes() if self.certificate else None
        key = self.key.read_bytes() if self.key else None
        return grpc.ssl_channel_credentials(self.authority.read_bytes(), key, certificate)


def open_channel(
    target: str,
    *,
    caller: CallerCredentials | None = None,
    tls: ClientTlsFiles | None = None,
    default_timeout: float = DEFAULT_TIMEOUT,
    default_stream_timeout: float = DEFAULT_STREAM_TIMEOUT,
    max_message_bytes: int = 4 * 1024 * 1024,
    unretried: Sequence[tuple[str, str]] = (),
) -> Channel:
    """A channel to ``target`` (a gRPC name: ``dns:///identity:7401``, ``ipv4:10.0.0.1:1,10.0.0.2:1``, ``host:port``).

    It does not connect yet. Timeouts are in seconds and hold for calls that are made without one. ``unretried`` names
    methods (service, method) that must not be sent twice by the channel itself.
    """
    arguments = channel_arguments(max_message_bytes=max_message_bytes, unretried=unretried)
    if tls is None:
        inner = grpc.aio.insecure_channel(target, arguments)
    else:
        inner = grpc.aio.secure_channel(target, tls.credentials(), arguments)
    return Channel(inner, caller, default_timeout, default_stream_timeout)


def channel_arguments(
    *, max_message_bytes: int = 4 * 1024 * 1024, unretried: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, Any]]:
    """How a channel behaves, in gRPC's own terms. It pings every 30 s, more seldom than our servers bear (20 s)."""
    return [
        ("grpc.service_config", _service_config(unretried)),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
    ]


def _service_config(unretried: Sequence[tuple[str, str]]) -> str:
    # The most specific name wins, so a method of its own with no policy is sent once.
    once = [{"name": [{"service": service, "method": method} for service, method in unretried]}] if unretried else []
    return json.dumps({**_SERVICE_CONFIG, "methodConfig": [*once, *_METHODS]})


async def call(
    method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT, *, timeout: float | None = None
) -> ResponseT:
    """The answer of ``method``. Raises ServiceError (a RemoteError where the other side answered).

    ``timeout`` is in seconds, at most; the call gets less where the call under way has less left.
    """
    try:
        return await method(request, timeout=timeout)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: the channel was closed under the call.
        raise ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE, detail="the channel was closed") from None


async def call_stream(
    method: grpc.aio.UnaryStreamMultiCallable[RequestT, ResponseT], request: RequestT, *, timeout: float | None = None
) -> AsyncGenerator[ResponseT]:
    """The messages that ``method`` answers with; errors and ``timeout`` (of the whole stream) as with :func:`call`.

    Close it (``contextlib.aclosing``) if you leave before its end: that cancels the call.
    """
    rpc = method(request, timeout=timeout)
    try:
        async for message in rpc:
            yield message
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    finally:
        rpc.cancel()


class _MultiCallable:
    """A method of a stub, to which each call adds what this process says with every call."""

    def __init__(self, channel: Channel, method: str, inner: Any, default_timeout: float) -> None:
        self._channel = channel
        self._method = method.lstrip("/")
        self._inner = inner
        self._default_timeout = default_timeout

    def __call__(
        self,
        request: Any = None,
        *,
        timeout: float | None = None,
        metadata: Sequence[tuple[str, str | bytes]] | grpc.aio.Metadata | None = None,
        **other: Any,
    ) -> Any:
        seconds = outgoing_timeout(self._default_timeout if timeout is None else timeout)
        sent = [*(metadata or ()), *self._channel.identity]
        if not self._channel.telemetry.on:
            return self._inner(request, timeout=seconds, metadata=sent, **other)
        end = self._channel.telemetry.begin(self._method, sent)
        rpc = self._inner(request, timeout=seconds, metadata=sent, **other)
        rpc.add_done_callback(end)
        return rpc


class Channel(grpc.aio.Channel):
    """What :func:`open_channel` gives: for stubs a channel like any other."""

    def __init__(
        self, inner: grpc.aio.Channel, caller: CallerCredentials | None, timeout: float, stream_timeout: float
    ) -> None:
        self._inner = inner
        self._timeout = timeout
        self._stream_timeout = stream_timeout
        self.identity: Final = caller.metadata() if caller else ()
        self.telemetry: Final = ClientTelemetry()

    def unary_unary(self, method: str, *serializers: Any, **options: Any) -> Any:
        """A method with one request and one response."""
        return _MultiCallable(self, method, self._inner.unary_unary(method, *serializers, **options), self._timeout)

    def stream_unary(self, method: str, *serializers: Any, **options: Any) -> Any:
        """A method with a stream of requests and one response."""
        return _MultiCallable(self, method, self._inner.stream_unary(method, *serializers, **options), self._timeout)

    def unary_stream(self, method: str, *serializers: Any, **options: Any) -> Any:
        """A method with one request and a stream of responses."""
        inner = self._inner.unary_stream(method, *serializers, **options)
        return _MultiCallable(self, method, inner, self._stream_timeout)

    def stream_stream(self, method: str, *serializers: Any, **options: Any) -> Any:
        """A method with a stream each way."""
        inner = self._inner.stream_stream(method, *serializers, **options)
        return _MultiCallable(self, method, inner, self._stream_timeout)

    async def close(self, grace: float | None = None) -> None:
        """Close it; calls under way have ``grace`` seconds, and are cancelled at once without."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Its connectivity."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when its connectivity is another one."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return when it is connected."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(kind, error, traceback)

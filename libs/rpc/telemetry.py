"""Spans and metrics of calls, by the OpenTelemetry API and its semantic conventions for RPC.

Whether anybody listens is looked at once, when a server or a channel is built; where nobody does, calls are passed
through untouched. Nothing of a request or a response is recorded, only names, codes and durations.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc
from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, NoOpMeterProvider
from opentelemetry.metrics._internal import _ProxyMeterProvider  # what stands in where none is installed
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider, Span, SpanKind, Status, StatusCode, Tracer

from libs.rpc import deadlines
from libs.rpc.callers import current_caller

_SYSTEM: Final = {"rpc.system.name": "grpc"}
_CLOCKS_APART: Final = 0.1
"""How much later than its client, in seconds, a loaded server may have learned of a call."""
_SCOPE: Final = "hearthgate.rpc"
# Seconds; the boundaries that the conventions advise.
_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# For a server the other codes mean that its caller made a mistake or was refused.
_SERVER_ERRORS: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)

Handler = Callable[[Any, Any], Awaitable[bytes | None]]


class EndedCall(Protocol):
    """What a client call offers once it is done."""

    def code(self) -> Coroutine[Any, Any, grpc.StatusCode]:
        """Its status."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Instruments:
    tracer: Tracer
    duration: Histogram


def _instruments(metric: str, description: str) -> _Instruments | None:
    """The instruments, or None where neither a tracer provider nor a meter provider is installed."""
    tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
    silent = isinstance(tracers, ProxyTracerProvider | NoOpTracerProvider)
    if silent and isinstance(meters, _ProxyMeterProvider | NoOpMeterProvider):
        return None
    histogram = meters.get_meter(_SCOPE).create_histogram(
        metric, unit="s", description=description, explicit_bucket_boundaries_advisory=_BOUNDARIES
    )
    return _Instruments(tracer=tracers.get_tracer(_SCOPE), duration=histogram)


class ServerTelemetry:
    """A span and a duration for each call that a server handles; the caller's trace goes on in it."""

    def __init__(self) -> None:
        self._instruments = _instruments("rpc.server.call.duration", "Duration of incoming calls.")

    def observe(self, method: str, handle: Handler) -> Handler:
        """``handle``, observed; ``handle`` itself where nobody listens."""
        if self._instruments is None:
            return handle
        instruments = self._instruments

        async def observed(request: Any, context: Any) -> bytes | None:
            began = time.perf_counter()
            with instruments.tracer.start_as_current_span(
                method,
                context=_incoming(context),
                kind=SpanKind.SERVER,
                attributes=_attributes(method),
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                ended_early = True
                try:
                    answer = await handle(request, context)
                    ended_early = False
                    return answer
                finally:
                    code = _server_code(context, ended_early)
                    span.set_attribute("hearthgate.caller", current_caller())
                    _conclude(span, code, is_error=code in _SERVER_ERRORS)
                    _record(instruments.duration, method, code, began, is_error=code in _SERVER_ERRORS)

        return observed


class ClientTelemetry:
    """A span and a duration for each call that goes out, and the trace context in its metadata."""

    def __init__(self) -> None:
        self._instruments = _instruments("rpc.client.call.duration", "Duration of outgoing calls.")

    @property
    def on(self) -> bool:
        """Whether anybody listens."""
        return self._instruments is not None

    def begin(self, method: str, metadata: list[tuple[str, str | bytes]]) -> Callable[[Any], None]:
        """Begin a call's span and add its context to ``metadata``. Returns the callback for the call's end."""
        assert self._instruments is not None
        instruments = self._instruments
        began = time.perf_counter()
        span = instruments.tracer.start_span(method, kind=SpanKind.CLIENT, attributes=_attributes(method))
        carrier: MutableMapping[str, str] = {}
        propagate.inject(carrier, context=trace.set_span_in_context(span))
        metadata.extend(carrier.items())

        def end(call: EndedCall) -> None:
            code = _settled(call.code())
            _conclude(span, code, is_error=code != "OK")
            _record(instruments.duration, method, code, began, is_error=code != "OK")
            span.end()

        return end


def _incoming(context: Any) -> Context:
    carrier = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return propagate.extract(carrier)


def _attributes(method: str) -> dict[str, str]:
    return {**_SYSTEM, "rpc.method": method}


def _server_code(context: Any, ended_early: bool) -> str:
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return code.name
    if not ended_early:
        return "OK"
    # Cancelled: by the client, or because the time was over. The client's clock began before ours did, so its deadline
    # is over a little before ours.
    left = deadlines.remaining()
    return "DEADLINE_EXCEEDED" if left is not None and left <= _CLOCKS_APART else "CANCELLED"


def _settled(code: Coroutine[Any, Any, grpc.StatusCode]) -> str:
    """The code of a call that is done: its coroutine ends without waiting for anything."""
    try:
        code.send(None)
    except StopIteration as stop:
        return str(stop.value.name)
    code.close()
    return "UNKNOWN"


def _conclude(span: Span, code: str, *, is_error: bool) -> None:
    span.set_attribute("rpc.response.status_code", code)
    if is_error:
        span.set_attribute("error.type", code)
        span.set_status(Status(StatusCode.ERROR))


def _record(duration: Histogram, method: str, code: str, began: float, *, is_error: bool) -> None:
    attributes = _attributes(method) | {"rpc.response.status_code": code}
    if is_error:
        attributes["error.type"] = code
    duration.record(time.perf_counter() - began, attributes)

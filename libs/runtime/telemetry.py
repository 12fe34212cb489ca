"""Traces and metrics by OpenTelemetry: installed only when somebody listens, and free of cost otherwise.

Traces and metrics go by OTLP where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; Prometheus reads ``/metrics`` where
``metrics_address`` is set. The SDK reads its other standard variables (``OTEL_TRACES_SAMPLER``,
``OTEL_TRACES_SAMPLER_ARG``, ``OTEL_RESOURCE_ATTRIBUTES``, ...) by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.sampling import Sampler

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_FLUSH_MILLIS: Final = 3_000


class TelemetrySettings(Protocol):
    """The part of a service's settings that telemetry reads."""

    @property
    def metrics_address(self) -> str:
        """host:port of ``/metrics``; empty: off."""
        ...


class Telemetry:
    """What was started, to be shut down at the end of the process."""

    def __init__(self, *, metrics_port: int | None = None, closers: list[Callable[[], object]] | None = None) -> None:
        self.metrics_port: Final = metrics_port
        self._closers = closers or []

    def shutdown(self) -> None:
        """Send what is still queued (bounded by a few seconds) and close the metrics server. Blocks."""
        while self._closers:
            self._closers.pop()()


def start_telemetry(service: str, settings: TelemetrySettings) -> Telemetry:
    """Install the providers that the environment and the settings ask for; neither: install nothing.

    Raises OSError where ``metrics_address`` cannot be listened on.
    """
    exports = bool(os.environ.get(_ENDPOINT))
    if not exports and not settings.metrics_address:
        return Telemetry()
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({"service.name": service, "service.namespace": "hearthgate"})
    closers: list[Callable[[], object]] = []
    readers: list[MetricReader] = []
    port = _serve_metrics(settings.metrics_address, readers, closers) if settings.metrics_address else None
    if exports:
        closers.append(_start_tracing(resource))
        readers.append(_otlp_reader())
    closers.append(_start_metrics(resource, readers))
    return Telemetry(metrics_port=port, closers=closers)


def _serve_metrics(address: str, readers: list[MetricReader], closers: list[Callable[[], object]]) -> int:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import REGISTRY, start_http_server

    host, _, port = address.rpartition(":")
    server, thread = start_http_server(int(port), host.strip("[]"), REGISTRY)
    readers.append(PrometheusMetricReader())

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    closers.append(close)
    return int(server.server_port)


def _start_tracing(resource: Resource) -> Callable[[], object]:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource, sampler=_sampler(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def close() -> None:
        provider.force_flush(_FLUSH_MILLIS)
        provider.shutdown()

    return close


def _sampler() -> Sampler | None:
    """A ratio alone means "this share of new traces"; with OTEL_TRACES_SAMPLER set, the SDK reads both."""
    ratio = os.environ.get("OTEL_TRACES_SAMPLER_ARG")
    if not ratio or os.environ.get("OTEL_TRACES_SAMPLER"):
        return None
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    return ParentBasedTraceIdRatio(float(ratio))


def _otlp_reader() -> MetricReader:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(OTLPMetricExporter())


def _start_metrics(resource: Resource, readers: list[MetricReader]) -> Callable[[], object]:
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider

    provider = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return lambda: provider.shutdown(timeout_millis=_FLUSH_MILLIS)

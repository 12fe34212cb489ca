"""Spans and metrics of calls, read back from an OpenTelemetry SDK in memory.

Providers can be installed only once in a process, so the calls are made in a process of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[3]
_SCRIPT = """
import asyncio, json, sys
sys.path[:0] = json.loads(sys.argv[1])
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))

import probe_pb2 as pb, probe_pb2_grpc as rpc
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call, call_stream, open_channel
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import secret_digest
from libs.runtime.logging import configure_logging

class Probe(rpc.ProbeServiceServicer):
    async def Ask(self, request, context):
        if request.text == "missing":
            raise ServiceError(ErrorReason.NOT_FOUND)
        if request.text == "broken":
            raise ValueError("canary")
        if request.text == "hang":
            await asyncio.Event().wait()
        return pb.ProbeResponse()

    async def AskMany(self, request, context):
        yield pb.ProbeResponse()

async def main():
    options = ServerOptions(callers={"gateway": [secret_digest("secret")]})
    add, name = rpc.add_ProbeServiceServicer_to_server, "hearthgate.probe.v1.ProbeService"
    registration = Registration(add=add, servicer=Probe(), service_name=name, allowed_callers=frozenset({"gateway"}))
    async with build_server(options, [registration]) as server:
        async with open_channel(f"127.0.0.1:{server.port}", caller=CallerCredentials("gateway", "secret")) as channel:
            stub = rpc.ProbeServiceStub(channel)
            for text in ("fine", "missing", "broken", "hang"):
                try:
                    await call(stub.Ask, pb.ProbeRequest(text=text), timeout=0.2)
                except ServiceError:
                    pass
            [each async for each in call_stream(stub.AskMany, pb.ProbeRequest())]

configure_logging("probe", "ERROR")
asyncio.run(main())
json.dump({
    "spans": [json.loads(each.to_json()) for each in spans.get_finished_spans()],
    "metrics": json.loads(reader.get_metrics_data().to_json()),
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def recorded(probe: Any) -> Any:
    """What five calls left: fine, not found, broken, too slow, and a stream."""
    path = [str(_ROOT), str(_ROOT / "libs" / "stubs"), str(Path(probe.pb.__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(path)], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def spans_of(recorded: Any, kind: str) -> list[Any]:
    found = [each for each in recorded["spans"] if each["kind"] == f"SpanKind.{kind}"]
    return sorted(found, key=lambda each: str(each["start_time"]))


def test_every_call_has_a_span_on_each_side_in_one_trace(recorded: Any) -> None:
    clients, servers = spans_of(recorded, "CLIENT"), spans_of(recorded, "SERVER")
    assert len(clients) == len(servers) == 5
    for client, server in zip(clients, servers, strict=True):
        assert server["parent_id"] == client["context"]["span_id"]
        assert server["context"]["trace_id"] == client["context"]["trace_id"]
        assert server["name"] == client["name"] == server["attributes"]["rpc.method"]


def test_spans_follow_the_semantic_conventions(recorded: Any) -> None:
    codes = ["OK", "NOT_FOUND", "INTERNAL", "DEADLINE_EXCEEDED", "OK"]
    for kind, errors in (("CLIENT", {1, 2, 3}), ("SERVER", {2, 3})):
        spans = spans_of(recorded, kind)
        assert [each["attributes"]["rpc.response.status_code"] for each in spans] == codes
        assert {index for index, each in enumerate(spans) if each["status"]["status_code"] == "ERROR"} == errors
        assert {index for index, each in enumerate(spans) if "error.type" in each["attributes"]} == errors
        assert {each["attributes"]["rpc.system.name"] for each in spans} == {"grpc"}


def test_the_servers_span_names_the_caller_and_nothing_of_an_exception(recorded: Any) -> None:
    assert {each["attributes"]["hearthgate.caller"] for each in spans_of(recorded, "SERVER")} == {"gateway"}
    assert "canary" not in json.dumps(recorded)


@pytest.mark.parametrize("name", ["rpc.server.call.duration", "rpc.client.call.duration"])
def test_durations_are_histograms_in_seconds(name: str, recorded: Any) -> None:
    scopes = recorded["metrics"]["resource_metrics"][0]["scope_metrics"]
    (metric,) = [each for scope in scopes for each in scope["metrics"] if each["name"] == name]
    assert metric["unit"] == "s"
    points = metric["data"]["data_points"]
    assert sum(point["count"] for point in points) == 5
    assert {point["attributes"]["rpc.method"].rpartition("/")[2] for point in points} == {"Ask", "AskMany"}
    assert points[0]["explicit_bounds"][0] == 0.005

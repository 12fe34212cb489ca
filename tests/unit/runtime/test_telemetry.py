"""Telemetry: nothing at all when off, Prometheus when asked for. In processes of their own: providers are global."""

from __future__ import annotations

import os
import subprocess
import sys

OFF = """
import sys
from types import SimpleNamespace
from libs.runtime.telemetry import start_telemetry
telemetry = start_telemetry("identity", SimpleNamespace(metrics_address=""))
telemetry.shutdown()
heavy = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "prometheus"))]
print(telemetry.metrics_port, heavy)
"""

PROMETHEUS = """
from types import SimpleNamespace
from urllib.request import urlopen
from opentelemetry import metrics
from libs.runtime.telemetry import start_telemetry
telemetry = start_telemetry("identity", SimpleNamespace(metrics_address="127.0.0.1:0"))
metrics.get_meter("test").create_counter("starts").add(3)
with urlopen(f"http://127.0.0.1:{telemetry.metrics_port}/metrics", timeout=5) as answer:
    print(answer.read().decode())
telemetry.shutdown()
"""

METHODS = """
from http.client import HTTPConnection
from types import SimpleNamespace
from libs.runtime.telemetry import start_telemetry
telemetry = start_telemetry("identity", SimpleNamespace(metrics_address="127.0.0.1:0"))
for method in ("GET", "TRACE", "POST", "DELETE"):
    connection = HTTPConnection("127.0.0.1", telemetry.metrics_port, timeout=5)
    connection.request(method, "/metrics")
    print(method, connection.getresponse().status)
    connection.close()
telemetry.shutdown()
"""

SAMPLED = """
from types import SimpleNamespace
from opentelemetry import trace
from libs.runtime.telemetry import start_telemetry
telemetry = start_telemetry("identity", SimpleNamespace(metrics_address=""))
print(trace.get_tracer("test").start_span("x").is_recording())
"""


def run(program: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**clean, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout


def test_off_means_that_no_sdk_is_even_imported() -> None:
    assert run(OFF).strip() == "None []"


def test_prometheus_reads_a_counter_and_the_services_name() -> None:
    page = run(PROMETHEUS)
    assert "starts_total" in page
    assert 'service_name="identity"' in page


def test_metrics_are_read_and_answer_no_other_method() -> None:
    assert run(METHODS).split() == ["GET", "200", "TRACE", "405", "POST", "405", "DELETE", "405"]


def test_the_sampling_ratio_follows_the_standard_variable() -> None:
    endpoint = "http://127.0.0.1:1"
    end = "import os; os._exit(0)"  # without waiting for a collector that is not there
    flush = f"{SAMPLED}\nimport sys; sys.stdout.flush()\n{end}"
    assert run(flush, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_TRACES_SAMPLER_ARG="0").strip() == "False"
    assert run(flush, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_TRACES_SAMPLER_ARG="1").strip() == "True"

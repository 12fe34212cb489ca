"""Logs: JSON with trace ids, and nothing secret or personal in them, whichever way it came in."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry import trace

from libs.runtime.logging import configure_logging, get_logger, redact
from libs.runtime.redaction import REDACTED, is_secret_key, redact_text

LOGGERS = [None, "asyncpg", "dkim", "dkimpy", "grpc", "hpack", "httpcore", "httpx", "opentelemetry"]


@pytest.fixture
def logs() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logging as a process has it; the records written so far."""
    root, hook = logging.getLogger(), sys.excepthook
    before = root.handlers[:], {name: logging.getLogger(name).level for name in LOGGERS}
    output = io.StringIO()
    with redirect_stderr(output):
        configure_logging("identity", "INFO")
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    logging.captureWarnings(False)
    structlog.reset_defaults()
    sys.excepthook = hook
    root.handlers[:] = before[0]
    for name, level in before[1].items():
        logging.getLogger(name).setLevel(level)


def logged(**fields: object) -> str:
    return json.dumps(redact(None, "info", {"event": "something", **fields}))


phones = st.builds(
    lambda country, rest, separator: f"+{country}{separator}{rest}",
    st.integers(1, 999),
    st.integers(10**6, 10**10 - 1),
    st.sampled_from(["", " ", "-"]),
)
tokens = st.builds(
    lambda account, secret: f"hgs1.{account.hex}.{secret}",
    st.uuids(),
    st.text(st.sampled_from("abcXYZ019-_"), min_size=43, max_size=43),
)
addresses = st.ip_addresses().filter(lambda ip: not ip.is_loopback and not ip.is_unspecified).map(str)
canaries = st.one_of(st.emails(), phones, tokens, addresses)
frames = st.sampled_from(["{}", "sent to {}", "<{}>", "to={}, again", "({})", "peer ipv4:{} gone", 'Key (x)=("{}")'])


@given(canary=canaries, frame=frames)
def test_a_canary_in_any_text_is_masked(canary: str, frame: str) -> None:
    text = frame.format(canary)
    assert canary not in redact_text(text)


@given(canary=canaries, frame=frames)
def test_a_canary_is_masked_in_nested_values_and_exceptions(canary: str, frame: str) -> None:
    text = frame.format(canary)
    output = logged(nested={"deep": [text, {"deeper": (text,)}]}, problem=ValueError(text))
    assert json.dumps(canary)[1:-1] not in output


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(
    key=st.sampled_from(["password", "code", "session_token", "clientSecret", "ip_address", "email", "recipient"]),
    canary=st.text(min_size=6),
)
def test_a_secret_field_is_hidden_whatever_it_holds(key: str, canary: str) -> None:
    assume(canary not in logged(**{key: ""}))
    assert canary not in json.loads(logged(**{key: canary}))[key]
    assert json.loads(logged(outer={key: [canary]}))["outer"][key] == REDACTED


@pytest.mark.parametrize(
    "text",
    [
        "listening on 127.0.0.1:7400",
        "0.0.0.0:7400",
        "[::]:7400",
        "[::1]:7400",
        "2030-01-01T00:00:00+00:00 took 0:00:00.25",
        "0190a5c4-7b1e-7cc0-8000-0123456789ab",
        "tests/unit/test_x.py::test_y",
        "hearthgate.identity.v1.IdentityService/SignIn",
    ],
)
def test_what_is_neither_secret_nor_personal_stays(text: str) -> None:
    assert redact_text(text) == text


def test_an_ipv6_peer_as_grpc_writes_it_is_masked() -> None:
    assert "2001" not in redact_text("ipv6:%5B2001:db8::17%5D:443")


def test_a_password_in_a_url_is_masked() -> None:
    assert redact_text("postgresql://app:pw@db.example/x") == f"postgresql://{REDACTED}@db.example/x"


def test_status_and_error_codes_are_not_secret() -> None:
    assert not any(is_secret_key(key) for key in ("rpc.grpc.status_code", "error_code", "listen_address"))


def test_unknown_objects_are_reduced_to_their_type() -> None:
    class Message:
        def __repr__(self) -> str:
            return "password: hunter2"

    assert json.loads(logged(request=Message(), raw=b"hunter2"))["request"] == "<Message>"
    assert "hunter2" not in logged(request=Message(), raw=b"hunter2")


def test_a_record_is_one_json_object_with_service_and_level(logs: Callable[[], list[dict[str, Any]]]) -> None:
    get_logger("identity.sign_in").info("signed in", account_id="a1", password="hunter2")
    (record,) = logs()
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "level": "info",
        "service": "identity",
        "logger": "identity.sign_in",
        "event": "signed in",
        "account_id": "a1",
        "password": REDACTED,
    }


def test_a_record_below_the_level_is_not_written(logs: Callable[[], list[dict[str, Any]]]) -> None:
    get_logger("x").debug("quiet")
    assert logs() == []


def test_a_record_carries_the_ids_of_the_span_under_way(logs: Callable[[], list[dict[str, Any]]]) -> None:
    context = trace.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        get_logger("x").info("inside")
    (record,) = logs()
    assert (record["trace_id"], record["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")


def test_the_standard_librarys_loggers_are_masked_too(logs: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise ValueError("no such owner: owner@example.com")
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved: %s", "+447700900123")
    (record,) = logs()
    assert (record["level"], record["logger"], record["service"]) == ("error", "asyncio", "identity")
    assert "ValueError" in record["exception"]
    assert "owner@" not in record["exception"]
    assert "7700900123" not in record["event"]


def test_an_exception_that_nobody_caught_is_masked(logs: Callable[[], list[dict[str, Any]]]) -> None:
    error = ValueError("owner@example.com")
    sys.excepthook(ValueError, error, None)
    (record,) = logs()
    assert (record["level"], record["event"]) == ("critical", "uncaught exception")
    assert "owner@" not in record["exception"]

"""What the log says of calls that were refused (OWASP ASVS 5.0, 16.3.2 and 16.3.3)."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError

OPERATOR = CallerCredentials("operator", "the-operators-secret")
METHOD = "hearthgate.probe.v1.ProbeService/Ask"


async def logged(stub: Any, request: Any) -> list[Any]:
    """The lines of one refused call, as a level INFO shows them."""
    with capture_logs() as lines, pytest.raises(ServiceError):
        await call(stub.Ask, request)
    return [line for line in lines if line["log_level"] != "debug" and line.get("method") == METHOD]


@pytest.mark.parametrize(
    "reason",
    [
        ErrorReason.SESSION_UNKNOWN,
        ErrorReason.CREDENTIALS_REJECTED,
        ErrorReason.DEVICE_NOT_TRUSTED,
        ErrorReason.NOT_FOUND,
        ErrorReason.LIMIT_EXCEEDED,
    ],
)
async def test_an_attempt_that_was_refused_is_logged_with_who_called_what_and_why(
    reason: ErrorReason, serve: Any, connect: Any, probe: Any
) -> None:
    async def refuse(text: str) -> str:
        raise ServiceError(reason, detail="what the log alone is told")

    stub = await connect(await serve(refuse))
    (line,) = await logged(stub, probe.request("x"))
    assert (line["caller"], line["reason"], line["log_level"]) == ("gateway", reason, "info")
    assert line["detail"] == "what the log alone is told"


async def test_a_caller_that_may_not_call_is_logged(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve(), caller=OPERATOR)
    (line,) = await logged(stub, probe.request("x"))
    assert (line["reason"], line["detail"], line["log_level"]) == ("CALLER_NOT_ALLOWED", "caller operator", "warning")


async def test_input_that_breaks_a_rule_is_logged_by_its_field_and_without_its_value(
    serve: Any, connect: Any, probe: Any
) -> None:
    stub = await connect(await serve())
    (line,) = await logged(stub, probe.request("a-value-that-is-far-too-long" * 100))
    assert line["reason"] == "INVALID_FIELD"
    assert "text" in line["detail"]
    assert "a-value" not in str(line)


async def test_a_refusal_of_everyday_use_is_not_logged(serve: Any, connect: Any, probe: Any) -> None:
    async def refuse(text: str) -> str:
        raise ServiceError(ErrorReason.STATE_CONFLICT)

    assert not await logged(await connect(await serve(refuse)), probe.request("x"))

"""Who may call what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from libs.rpc.callers import CallerCredentials, current_caller
from libs.rpc.channel import ClientTlsFiles, call, call_stream, open_channel
from libs.rpc.server import TlsFiles
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import secret_digest
from tests.integration.rpc.certificates import make_certificates

GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
OPERATOR = CallerCredentials("operator", "the-operators-secret")


async def who(text: str) -> str:
    """Answers with the caller's name."""
    return current_caller()


async def refusal(stub: Any, request: Any) -> ErrorReason:
    with pytest.raises(ServiceError) as caught:
        await call(stub.Ask, request)
    return caught.value.reason


async def test_the_handler_knows_its_caller(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve(who))
    assert (await call(stub.Ask, probe.request("x"))).text == "gateway"
    assert [each.text async for each in call_stream(stub.AskMany, probe.request("x y"))] == ["gateway", "gateway"]


@pytest.mark.parametrize(
    "caller",
    [None, CallerCredentials("gateway", "wrong"), CallerCredentials("nobody", "the-gateways-secret")],
)
async def test_a_caller_without_the_right_secret_is_unknown(
    caller: CallerCredentials | None, serve: Any, connect: Any, probe: Any
) -> None:
    stub = await connect(await serve(who), caller=caller)
    assert await refusal(stub, probe.request("x")) is ErrorReason.CALLER_UNKNOWN


async def test_a_known_caller_that_the_service_does_not_list_is_refused(serve: Any, connect: Any, probe: Any) -> None:
    stub = await connect(await serve(who), caller=OPERATOR)
    assert await refusal(stub, probe.request("x")) is ErrorReason.CALLER_NOT_ALLOWED


async def test_a_method_may_have_callers_of_its_own(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve(who, by_method={"Ask": frozenset({"operator"})})
    operator, gateway = await connect(server, caller=OPERATOR), await connect(server)
    assert (await call(operator.Ask, probe.request("x"))).text == "operator"
    assert await refusal(gateway, probe.request("x")) is ErrorReason.CALLER_NOT_ALLOWED
    assert [each.text async for each in call_stream(gateway.AskMany, probe.request("x"))] == ["gateway"]


async def test_an_open_service_takes_anyone_but_not_a_wrong_secret(serve: Any, connect: Any, probe: Any) -> None:
    server = await serve(who, allowed_callers=frozenset({"*"}))
    anonymous, liar = (
        await connect(server, caller=None),
        await connect(server, caller=CallerCredentials("gateway", "x")),
    )
    assert (await call(anonymous.Ask, probe.request("x"))).text == ""
    assert await refusal(liar, probe.request("x")) is ErrorReason.CALLER_UNKNOWN


async def test_both_secrets_work_while_one_takes_the_others_place(serve: Any, connect: Any, probe: Any) -> None:
    callers = {"gateway": [secret_digest("old"), secret_digest("new")]}
    server = await serve(who, options={"callers": callers})
    for secret in ("old", "new"):
        stub = await connect(server, caller=CallerCredentials("gateway", secret))
        assert (await call(stub.Ask, probe.request("x"))).text == "gateway"


def test_credentials_do_not_print_their_secret() -> None:
    assert GATEWAY.secret not in repr(GATEWAY)


async def test_a_client_certificate_names_its_caller(tmp_path: Path, serve: Any, probe: Any) -> None:
    files = make_certificates(tmp_path)
    tls = TlsFiles(certificate=files["server.crt"], key=files["server.key"], client_ca=files["ca.crt"])
    server = await serve(who, options={"callers": {"gateway": []}, "tls": tls})
    client = ClientTlsFiles(authority=files["ca.crt"], certificate=files["gateway.crt"], key=files["gateway.key"])
    async with open_channel(f"127.0.0.1:{server.port}", tls=client) as channel:
        stub = probe.rpc.ProbeServiceStub(channel)
        assert (await call(stub.Ask, probe.request("x"))).text == "gateway"


async def test_a_certificate_of_an_unlisted_name_is_no_caller(tmp_path: Path, serve: Any, probe: Any) -> None:
    files = make_certificates(tmp_path)
    tls = TlsFiles(certificate=files["server.crt"], key=files["server.key"], client_ca=files["ca.crt"])
    server = await serve(who, options={"callers": {"operator": []}, "tls": tls})
    client = ClientTlsFiles(authority=files["ca.crt"], certificate=files["gateway.crt"], key=files["gateway.key"])
    async with open_channel(f"127.0.0.1:{server.port}", tls=client) as channel:
        stub = probe.rpc.ProbeServiceStub(channel)
        assert await refusal(stub, probe.request("x")) is ErrorReason.CALLER_UNKNOWN

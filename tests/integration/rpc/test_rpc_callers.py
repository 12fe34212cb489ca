"""Who may call what."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from libs.rpc.callers import CallerCredentials, current_caller
from libs.rpc.channel import ClientTlsFiles, call, call_stream, open_channel
from libs.rpc.server import TlsFiles
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import secret_digest

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


def make_certificates(folder: Path) -> dict[str, Path]:
    """An authority, a server's certificate for 127.0.0.1 and one for the client ``gateway``."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = sign("authority", authority_key, authority_key, None, [])
    files = {"ca.crt": authority.public_bytes(serialization.Encoding.PEM)}
    names: dict[str, list[Any]] = {
        "server": [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
        "gateway": [x509.UniformResourceIdentifier("spiffe://cluster.local/ns/hearthgate/sa/gateway")],
    }
    for name, alternatives in names.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = sign(name, key, authority_key, authority, alternatives)
        files[f"{name}.crt"] = certificate.public_bytes(serialization.Encoding.PEM)
        files[f"{name}.key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    alternatives: list[Any],
) -> x509.Certificate:
    """A certificate that is good for a day; self-signed without an ``authority``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if authority:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usages, critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(authority_key, hashes.SHA256())

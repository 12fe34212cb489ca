"""TLS of our servers and channels: which versions and suites they speak, and whom they trust."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as identity_rpc
from libs.rpc.channel import ClientTlsFiles, call, open_channel
from libs.rpc.server import Registration, Server, ServerOptions, TlsFiles, build_server
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import secret_digest
from services.gateway.main import open_leaves
from services.gateway.settings import GatewaySettings
from tests.integration.rpc.certificates import make_certificates

SECRET = "the-gateways-secret"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return make_certificates(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> dict[str, Path]:
    """Certificates for the same names, signed by somebody else."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return make_certificates(folder)


def server_tls(files: dict[str, Path], *, clients: bool = False) -> TlsFiles:
    client_ca = files["ca.crt"] if clients else None
    return TlsFiles(certificate=files["server.crt"], key=files["server.key"], client_ca=client_ca)


def client_tls(files: dict[str, Path], trusted: dict[str, Path] | None = None) -> ClientTlsFiles:
    authority = (trusted or files)["ca.crt"]
    return ClientTlsFiles(authority=authority, certificate=files["gateway.crt"], key=files["gateway.key"])


def client_context(files: dict[str, Path], version: ssl.TLSVersion, suite: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files["ca.crt"]))
    context.set_alpn_protocols(["h2"])
    # Else OpenSSL itself would refuse the old ones, and the server not be asked.
    context.set_ciphers(f"{suite or 'ALL'}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


async def negotiated(server: Server, context: ssl.SSLContext) -> tuple[str, str] | None:
    """Version and suite of a connection; None where the server refuses."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return None
    suite, version, _ = writer.get_extra_info("cipher")
    writer.transport.abort()
    return version, suite


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
async def test_old_versions_of_tls_are_refused(
    version: ssl.TLSVersion, taken: bool, files: dict[str, Path], serve: Any
) -> None:
    server = await serve(options={"tls": server_tls(files)})
    assert (await negotiated(server, client_context(files, version)) is not None) is taken


async def test_the_newest_version_is_taken_where_both_sides_know_it(files: dict[str, Path], serve: Any) -> None:
    server = await serve(options={"tls": server_tls(files)})
    context = client_context(files, ssl.TLSVersion.TLSv1_3)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    agreed = await negotiated(server, context)
    assert agreed is not None
    assert agreed[0] == "TLSv1.3"


async def test_each_suite_has_forward_secrecy_and_authenticated_encryption(files: dict[str, Path], serve: Any) -> None:
    server = await serve(options={"tls": server_tls(files)})
    offered = [
        each["name"]
        for each in client_context(files, ssl.TLSVersion.TLSv1_2).get_ciphers()
        if each["protocol"] != "TLSv1.3"
    ]
    taken = {
        suite
        for suite in offered
        if await negotiated(server, client_context(files, ssl.TLSVersion.TLSv1_2, suite)) is not None
    }
    assert taken, "some suite is common"
    assert len(taken) < len(offered), "weaker ones were offered"
    assert all(suite.startswith("ECDHE-") and ("GCM" in suite or "POLY1305" in suite) for suite in taken), taken


async def test_a_plaintext_call_to_a_tls_server_gets_nothing(files: dict[str, Path], serve: Any, probe: Any) -> None:
    server = await serve(options={"tls": server_tls(files)})
    assert await refusal(server, None, probe) is ErrorReason.DEPENDENCY_UNAVAILABLE


async def test_a_server_of_an_unknown_authority_is_not_called(
    files: dict[str, Path], stranger: dict[str, Path], serve: Any, probe: Any
) -> None:
    server = await serve(options={"tls": server_tls(stranger)})
    assert await refusal(server, ClientTlsFiles(authority=files["ca.crt"]), probe) is ErrorReason.DEPENDENCY_UNAVAILABLE


async def test_a_client_certificate_of_an_unknown_authority_names_nobody(
    files: dict[str, Path], stranger: dict[str, Path], serve: Any, probe: Any
) -> None:
    server = await serve(options={"callers": {"gateway": []}, "tls": server_tls(files, clients=True)})
    assert await refusal(server, client_tls(stranger, files), probe) is ErrorReason.DEPENDENCY_UNAVAILABLE


async def refusal(server: Server, tls: ClientTlsFiles | None, probe: Any) -> ErrorReason:
    async with open_channel(f"127.0.0.1:{server.port}", tls=tls) as channel:
        with pytest.raises(ServiceError) as caught:
            await call(probe.rpc.ProbeServiceStub(channel).Ask, probe.request("x"))
    return caught.value.reason


class Keys(identity_rpc.IdentityServiceServicer):
    """Identity as far as this test needs it."""

    async def GetSessionKeys(self, request: Any, context: Any) -> identity_pb.GetSessionKeysResponse:
        return identity_pb.GetSessionKeysResponse(jwks_json="{}")


def leaf(files: dict[str, Path]) -> Server:
    registration = Registration(
        add=identity_rpc.add_IdentityServiceServicer_to_server,
        servicer=Keys(),  # type: ignore[abstract]  # what it lacks answers UNIMPLEMENTED
        service_name="hearthgate.identity.v1.IdentityService",
        allowed_callers=frozenset({"gateway"}),
    )
    callers = {"gateway": [secret_digest(SECRET)]}
    return build_server(ServerOptions(callers=callers, tls=server_tls(files, clients=True)), [registration])


def gateway_settings(server: Server, **fields: Any) -> GatewaySettings:
    target = f"127.0.0.1:{server.port}"
    return GatewaySettings(
        database_url="postgresql://nobody@localhost/nothing",  # type: ignore[arg-type]
        identity_address=target,
        device_trust_address=target,
        challenge_address=target,
        download_planning_address=target,
        caller_secret=SECRET,  # type: ignore[arg-type]
        master_keys="A" * 43,  # type: ignore[arg-type]
        **fields,
    )


async def test_the_gateway_calls_its_leaves_over_tls_with_its_own_certificate(
    files: dict[str, Path], cleanup: Any
) -> None:
    server = await cleanup.enter_async_context(leaf(files))
    settings = gateway_settings(
        server,
        leaf_ca_file=files["ca.crt"],
        leaf_certificate_file=files["gateway.crt"],
        leaf_key_file=files["gateway.key"],
    )
    leaves = await open_leaves(cleanup, settings)
    assert await leaves.identity.get_session_keys() == "{}"


async def test_the_gateway_does_not_fall_back_to_plaintext_or_to_another_authority(
    files: dict[str, Path], stranger: dict[str, Path], cleanup: Any
) -> None:
    server = await cleanup.enter_async_context(leaf(stranger))
    leaves = await open_leaves(cleanup, gateway_settings(server, leaf_ca_file=files["ca.crt"]))
    with pytest.raises(ServiceError) as caught:
        await leaves.identity.get_session_keys()
    assert caught.value.reason is ErrorReason.DEPENDENCY_UNAVAILABLE


def test_a_certificate_without_its_key_is_refused_by_name(files: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="HEARTHGATE_LEAF_CERTIFICATE_FILE and HEARTHGATE_LEAF_KEY_FILE go together"):
        GatewaySettings.model_validate(
            {
                **dict.fromkeys(("identity_address", "device_trust_address", "challenge_address"), "x:1"),
                "download_planning_address": "x:1",
                "database_url": "postgresql://nobody@localhost/nothing",
                "caller_secret": SECRET,
                "master_keys": "A" * 43,
                "leaf_ca_file": files["ca.crt"],
                "leaf_certificate_file": files["gateway.crt"],
            }
        )

"""A probe service of every shape, its servers built by the production builder, and channels to them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from grpc_tools import protoc

from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import open_channel
from libs.rpc.server import Registration, Server, ServerOptions, build_server
from libs.runtime.keys import secret_digest

SERVICE = "hearthgate.probe.v1.ProbeService"
GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
OPERATOR = CallerCredentials("operator", "the-operators-secret")
_ROOT = Path(__file__).parents[3]

Behaviour = Callable[[str], Awaitable[str]]


async def echo(text: str) -> str:
    """Answers what it is asked."""
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeKit:
    """The probe's generated code, and servicers made of a function that answers a text with a text."""

    pb: Any
    rpc: Any

    def request(self, text: str = "", **fields: Any) -> Any:
        return self.pb.ProbeRequest(text=text, **fields)

    def registration(self, behaviour: Behaviour, **fields: Any) -> Registration:
        fields = {"allowed_callers": frozenset({"gateway"})} | fields
        add = self.rpc.add_ProbeServiceServicer_to_server
        return Registration(add=add, servicer=self.servicer(behaviour), service_name=SERVICE, **fields)

    def servicer(self, behaviour: Behaviour) -> Any:
        pb = self.pb

        class Probe(self.rpc.ProbeServiceServicer):  # type: ignore[misc, name-defined]  # compiled just now
            async def Ask(self, request: Any, context: Any) -> Any:
                return pb.ProbeResponse(text=await behaviour(request.text))

            async def AskMany(self, request: Any, context: Any) -> AsyncIterator[Any]:
                for word in request.text.split():
                    yield pb.ProbeResponse(text=await behaviour(word))

            async def TellMany(self, requests: Any, context: Any) -> Any:
                return pb.ProbeResponse(text=" ".join([await behaviour(each.text) async for each in requests]))

            async def Converse(self, requests: Any, context: Any) -> AsyncIterator[Any]:
                async for each in requests:
                    yield pb.ProbeResponse(text=await behaviour(each.text))

        return Probe()


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ProbeKit:
    """The probe's proto, compiled as the services' protos are."""
    out = tmp_path_factory.mktemp("probe")
    folders = (Path(__file__).parent, _ROOT / "third_party" / "protos", files("grpc_tools") / "_proto")
    flags = [*(f"-I{folder}" for folder in folders), f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(["protoc", *flags, "probe.proto"]) == 0
    sys.path.append(str(out))
    return ProbeKit(pb=importlib.import_module("probe_pb2"), rpc=importlib.import_module("probe_pb2_grpc"))


@pytest.fixture
async def cleanup() -> AsyncIterator[AsyncExitStack]:
    """Closed at the end of the test: channels before the servers they lead to."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(probe: ProbeKit, cleanup: AsyncExitStack) -> Callable[..., Awaitable[Server]]:
    """Starts a probe server: ``await serve(behaviour, health_check=..., options={...}, **registration)``."""

    async def start(
        behaviour: Behaviour = echo, *, health_check: Any = None, options: dict[str, Any] | None = None, **fields: Any
    ) -> Server:
        callers = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR)}
        chosen = ServerOptions(**({"callers": callers} | (options or {})))
        server = build_server(chosen, [probe.registration(behaviour, **fields)], health_check)
        return await cleanup.enter_async_context(server)

    return start


@pytest.fixture
def connect(probe: ProbeKit, cleanup: AsyncExitStack) -> Callable[..., Awaitable[Any]]:
    """Opens a channel and gives the probe's stub: ``await connect(server, caller=..., ...)``."""

    async def open_stub(*servers: Server | int, **options: Any) -> Any:
        ports = [each if isinstance(each, int) else each.port for each in servers]
        target = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
        channel = open_channel(target, **({"caller": GATEWAY} | options))
        return probe.rpc.ProbeServiceStub(await cleanup.enter_async_context(channel))

    return open_stub

"""A service's process from start to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

_ROOT = Path(__file__).parents[3]
_MAIN = """
import asyncio
import probe_pb2 as pb, probe_pb2_grpc as rpc
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.settings import ServiceSettings

class Probe(rpc.ProbeServiceServicer):
    async def Ask(self, request, context):
        if request.text == "slow":
            await asyncio.sleep(0.3)
        if request.text == "hang":
            await asyncio.Event().wait()
        return pb.ProbeResponse(text=type(asyncio.get_running_loop()).__module__)

async def serve(settings: ServiceSettings) -> None:
    if settings.database_pool_size == 13:
        raise ConnectionError("nobody there")
    add, name = rpc.add_ProbeServiceServicer_to_server, "hearthgate.probe.v1.ProbeService"
    registration = Registration(add=add, servicer=Probe(), service_name=name, allowed_callers=frozenset("*"))
    server = build_server(ServerOptions.from_settings(settings), [registration])
    await run_until_stopped(server, settings.drain_seconds)

run_service("probe", ServiceSettings, serve)
"""


def environment(probe: Any, **settings: str) -> dict[str, str]:
    path = [str(_ROOT), str(_ROOT / "libs" / "stubs"), str(Path(probe.pb.__file__).parent)]
    chosen = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "DRAIN_SECONDS": "30"} | settings
    prefixed = {f"HEARTHGATE_{name}": value for name, value in chosen.items()}
    return {"PYTHONPATH": os.pathsep.join(path), "PATH": os.environ["PATH"]} | prefixed


@asynccontextmanager
async def started(probe: Any, **settings: str) -> AsyncIterator[Process]:
    """The process; killed at the end if it is still there."""
    command = (sys.executable, "-c", _MAIN)
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, env=environment(probe, **settings))
    try:
        async with asyncio.timeout(30):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def event(process: Process, name: str) -> dict[str, Any]:
    """The next log line with this event."""
    assert process.stderr is not None
    async for line in process.stderr:
        record: dict[str, Any] = json.loads(line)
        if record["event"] == name:
            return record
    pytest.fail(f"the process ended without the event {name}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_call_under_way_finish_and_the_process_ends_with_0(
    number: signal.Signals, probe: Any
) -> None:
    async with started(probe) as process:
        port = (await event(process, "listening"))["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = probe.rpc.ProbeServiceStub(channel)
            assert (await stub.Ask(probe.request("x"))).text == "uvloop"
            answer = stub.Ask(probe.request("slow"))
            await answer.wait_for_connection()
            await stub.Ask(probe.request("behind the slow one"))
            process.send_signal(number)
            assert (await answer).text == "uvloop"
        await event(process, "stopped")
        assert await process.wait() == 0


async def test_a_second_signal_ends_the_wait_for_a_call_that_hangs(probe: Any) -> None:
    async with started(probe) as process:
        port = (await event(process, "listening"))["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = probe.rpc.ProbeServiceStub(channel)
            hanging = stub.Ask(probe.request("hang"), timeout=60)
            await stub.Ask(probe.request("behind the hanging one"))
            process.terminate()
            await event(process, "draining")
            process.terminate()
            assert await process.wait() == 0
            hanging.cancel()


async def test_a_settings_error_names_the_variable_and_ends_with_78(probe: Any) -> None:
    async with started(probe, DATABASE_URL="not-a-dsn-canary") as process:
        assert process.stderr is not None
        text = (await process.stderr.read()).decode()
        assert await process.wait() == 78
    assert text.startswith("HEARTHGATE_DATABASE_URL: ")
    assert "canary" not in text


async def test_a_failure_at_start_is_logged_and_ends_with_1(probe: Any) -> None:
    async with started(probe, DATABASE_POOL_SIZE="13") as process:
        assert "nobody there" in (await event(process, "service failed"))["exception"]
        assert await process.wait() == 1

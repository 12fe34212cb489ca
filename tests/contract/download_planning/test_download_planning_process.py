"""The service as a process: it says where it listens, answers, ends when asked to, and refuses wrong settings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as rpc
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call, open_channel
from libs.runtime.keys import new_secret, secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from tests.contract.download_planning.download_planning_world import Viewer

SECONDS = 30


async def test_the_process_serves_until_it_is_asked_to_stop(service_database: ServiceDatabaseFactory) -> None:
    """From its environment alone; exit code 0."""
    dsns, secret = await service_database("download_planning"), new_secret()
    environment = {
        "HEARTHGATE_DATABASE_URL": dsns.app,
        "HEARTHGATE_CALLERS": json.dumps({"gateway": [secret_digest(secret)]}),
    }
    async with asyncio.timeout(SECONDS), running(environment) as process:
        port = await listening_port(process)
        async with open_channel(f"127.0.0.1:{port}", caller=CallerCredentials("gateway", secret)) as channel:
            stub = rpc.DownloadPlanningServiceStub(channel)
            viewer = Viewer()
            await call(stub.ConfigureDownloads, viewer.configure())
            assert (await call(stub.PlanDownloads, viewer.plan())).plan.generation == 1
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("experiment", "problem"),
    [
        ('{"key": "x", "on": 1}', "on: must be true or false"),
        ('{"key": "x", "on": true, "platforms": ["ANDRIOD"]}', "platforms: must be among ANDROID"),
        ("on", "must be JSON"),
    ],
)
async def test_a_wrong_experiment_ends_the_process_with_the_setting_and_the_field(
    experiment: str, problem: str
) -> None:
    """Rather than treating nobody, or everybody, unnoticed."""
    environment = {"HEARTHGATE_DATABASE_URL": "postgresql://nowhere/x", "HEARTHGATE_DOWNLOADS_EXPERIMENT": experiment}
    async with asyncio.timeout(SECONDS), running(environment) as process:
        _, errors = await process.communicate()
        assert process.returncode == 78
        assert errors.decode().startswith(f"HEARTHGATE_DOWNLOADS_EXPERIMENT: {problem}")


@asynccontextmanager
async def running(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service's process with this environment, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.download_planning.main"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def listening_port(process: asyncio.subprocess.Process) -> int:
    """The port, read from the process's log."""
    assert process.stderr is not None
    async for line in process.stderr:
        record = json.loads(line)
        if record["event"] == "listening":
            return int(record["port"])
    raise AssertionError("the process ended before it listened")

"""A service as a child process, with small stand-ins for services."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from libs.devstack.process import ServiceFailedError, ServiceProcess
from libs.testing.postgres_host import free_port

ROOT = Path(__file__).parents[3]
SERVING = """
import asyncio
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.settings import ServiceSettings

async def serve(settings):
    await run_until_stopped(build_server(ServerOptions.from_settings(settings), []), 1)

run_service("standin", ServiceSettings, serve)
"""
Start = Callable[..., ServiceProcess]


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a stand-in made of Python text; all are stopped at the end."""
    async with AsyncExitStack() as cleanup:

        def begin(source: str, **settings: str) -> ServiceProcess:
            (tmp_path / "standin.py").write_text(source)
            environment = {
                "PYTHONPATH": f"{tmp_path}:{ROOT}:{ROOT / 'libs' / 'stubs'}",
                "HEARTHGATE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            } | settings
            log = tmp_path / "standin.log"
            process = ServiceProcess("standin", free_port(), environment, log, module="standin")
            process.start()
            cleanup.push_async_callback(process.stop)
            return process

        yield begin


async def test_a_service_is_ready_once_its_health_says_so_and_stops_when_asked(start: Start) -> None:
    process = start(SERVING)
    await process.wait_until_ready()
    ended = asyncio.create_task(process.ended())
    await process.stop()
    assert await ended is not None  # ours, so not a rolling restart
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_an_orderly_end_that_nobody_here_asked_for_is_a_rolling_restart(start: Start) -> None:
    process = start(SERVING)
    await process.wait_until_ready()
    os.kill(process.pid, signal.SIGTERM)
    assert await process.ended() is None
    process.start()
    await process.wait_until_ready()


async def test_a_crash_names_the_service_the_signal_and_its_last_lines(start: Start) -> None:
    process = start(SERVING)
    await process.wait_until_ready()
    os.kill(process.pid, signal.SIGKILL)
    crash = await process.ended()
    assert crash is not None
    assert crash.startswith("standin was ended by SIGKILL\n")
    assert "listening" in crash


async def test_a_settings_error_is_shown_as_the_service_wrote_it(start: Start) -> None:
    process = start(SERVING, HEARTHGATE_DATABASE_URL="not-a-dsn-canary")
    with pytest.raises(ServiceFailedError) as caught:
        await process.wait_until_ready()
    assert str(caught.value).startswith("standin ended with exit code 78\n  HEARTHGATE_DATABASE_URL: ")
    assert "canary" not in str(caught.value)


async def test_a_service_gets_nothing_of_our_environment_that_it_does_not_need(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOMEBODYS_TOKEN", "canary")
    process = start(f"import os, pathlib; pathlib.Path({str(tmp_path / 'seen')!r}).write_text(repr(dict(os.environ)))")
    await process.ended()
    assert "canary" not in (tmp_path / "seen").read_text()


def test_a_service_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The service writes to a pipe that only it holds open, so the pipe's end is the service's end."""
    (tmp_path / "waiting.py").write_text("import time; print('up', flush=True); time.sleep(60)")
    parent = (
        "import os, subprocess, sys, time; "
        "subprocess.Popen([sys.executable, '-m', 'libs.devstack.tether', str(os.getpid()), 'waiting']); "
        "sys.stdout.close(); os.close(1); time.sleep(60)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
        assert process.stdout.read() == b""

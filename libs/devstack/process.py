"""A service as a child process: started, watched, drained, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from libs.devstack.logs import tail
from libs.testing.postgres_host import end_process, exit_status

_ROOT: Final = Path(__file__).resolve().parents[2]
_READY_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_STOP: Final = timedelta(seconds=15)
_KEPT_FROM_ENVIRONMENT: Final = (
    *("PATH", "LANG", "TZ", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"),
    # What messages look like can be tried here before it goes anywhere else.
    *("HEARTHGATE_BRAND", "HEARTHGATE_TEMPLATES_DIR"),
)


class ServiceFailedError(Exception):
    """A service did not start, or ended; the text says how, with the last lines of its log."""


class ServiceProcess:
    """One service of the stack. Its log, one JSON object a line, is appended to ``log_path``.

    ``module`` is what is run; ``services.<name>.main`` unless told otherwise.
    """

    def __init__(
        self, name: str, port: int, environment: Mapping[str, str], log_path: Path, *, module: str = ""
    ) -> None:
        self.name: Final = name
        self.port: Final = port
        self.log_path: Final = log_path
        self._environment = dict(environment)
        self._module = module or f"services.{name}.main"
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_to_stop = False

    @property
    def address(self) -> str:
        """host:port of its gRPC server."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id. It must have been started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it with the environment it needs and no more."""
        inherited = {name: os.environ[name] for name in _KEPT_FROM_ENVIRONMENT if name in os.environ}
        listening = {"HEARTHGATE_LISTEN_ADDRESS": self.address, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'libs' / 'stubs'}"}
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "libs.devstack.tether", str(os.getpid()), self._module],
                cwd=_ROOT,
                env={**inherited, **listening, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for us to pass on, in order
            )
        self._asked_to_stop = False

    async def wait_until_ready(self) -> None:
        """Return when its health is SERVING. Raises ServiceFailedError."""
        try:
            async with asyncio.timeout(_READY_SECONDS), grpc.aio.insecure_channel(self.address) as channel:
                while not await _is_serving(channel):
                    self._require_running()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise ServiceFailedError(
                f"{self.name} is not ready after {_READY_SECONDS:g} s\n{self.log_tail()}"
            ) from None

    async def ended(self) -> str | None:
        """Wait for its end. None for an orderly one that was not ours (a rolling restart), else what happened."""
        assert self._process is not None
        status = await exit_status(self._process)
        if status == 0 and not self._asked_to_stop:
            return None
        return self._describe(status)

    async def stop(self) -> None:
        """Let it drain; kill it after 15 s."""
        process = self._process
        if process is None:
            return
        self._asked_to_stop = True
        if not await end_process(process, signal.SIGTERM, timeout=_STOP):
            await end_process(process, signal.SIGKILL, timeout=_STOP)

    def log_tail(self, lines: int = 8) -> str:
        """The last lines of its log, shortened for people."""
        return tail(self.log_path, lines)

    def _require_running(self) -> None:
        status = self._process.poll() if self._process else None
        if status is not None:
            raise ServiceFailedError(self._describe(status))

    def _describe(self, status: int) -> str:
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit code {status}"
        return f"{self.name} {how}\n{self.log_tail()}".rstrip()


async def _is_serving(channel: grpc.aio.Channel) -> bool:
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

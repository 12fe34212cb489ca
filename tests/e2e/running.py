"""The command `hearthgate` as a process with a folder of its own: what it prints, and what it leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, TypeVar

from libs.devstack.secrets import FILE_NAME
from libs.testing.postgres import temporary_directory

SERVICES: Final = ("identity", "device_trust", "challenge", "download_planning", "gateway")
PROGRAMS: Final = Path(sys.executable).parent
READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
# Tied to us: no run outlives a test session that is killed.
_COMMAND: Final = (sys.executable, "-m", "libs.devstack.tether", str(os.getpid()), "libs.devstack.cli")

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = 20.0) -> T:
    """The first answer of ``look`` that is true. Raises AssertionError, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(_POLL_SECONDS)
    return found


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can pass through, with a data folder yet to be made in it."""
    folder = temporary_directory()
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """A person's environment: this virtual environment on the PATH, and no settings but those given."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    return {**kept, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200", **variables}


class Hearthgate:
    """A run of `hearthgate` on the data folder ``data``; its output goes to files beside that."""

    def __init__(self, data: Path, *arguments: str, variables: Mapping[str, str]) -> None:
        self.data: Final = data
        output = Path(mkdtemp(dir=data.parent))
        self._stdout, self._stderr = output / "stdout", output / "stderr"
        with open(self._stdout, "wb") as stdout, open(self._stderr, "wb") as stderr:
            self._process = subprocess.Popen(
                [*_COMMAND, *arguments, "--data", data],
                env=environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._stdout.read_text()

    @property
    def stderr(self) -> str:
        """Its errors so far."""
        return self._stderr.read_text()

    @property
    def pid(self) -> int:
        """Its own process id."""
        return self._process.pid

    def secret(self, name: str) -> str:
        """One of the secrets that stand in the data folder."""
        return str(json.loads((self.data / FILE_NAME).read_text())[name])

    def printed(self, text: str) -> str:
        """All that it has printed once ``text`` is part of it. Raises AssertionError if it ends before."""

        def look() -> str | None:
            ended = self._process.poll() is not None
            if text in (stdout := self.stdout):
                return stdout
            if ended:
                raise AssertionError(f"ended with {self._process.returncode}: {self.stderr}")
            return None

        return eventually(look, f"{text!r} printed", seconds=READY_SECONDS)

    def ready(self) -> dict[str, Any]:
        """Wait until `up --json` is ready; the line that it prints then."""
        ready: dict[str, Any] = json.loads(self.printed("\n"))
        return ready

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end."""
        return self._process.wait(timeout=READY_SECONDS)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal, Ctrl-C by default, and wait for its end; the exit code."""
        self.send(number)
        return self.exit_code()

    def pid_of(self, service: str) -> int | None:
        """The process that a service is at the moment."""
        module = f"services.{service}.main".encode()
        found = (pid for pid in processes_of(self.data) if module in _read(pid, "cmdline").split(b"\0"))
        return next(found, None)

    def wait_for_process(self, argument: str) -> None:
        """Wait until a process with an argument works on the data folder."""
        wanted = argument.encode()

        def look() -> bool:
            return any(wanted in _read(pid, "cmdline").split(b"\0") for pid in processes_of(self.data))

        eventually(look, f"a process with {argument}")

    def wait_until_nothing_is_left(self) -> None:
        """Wait until no process has anything to do with the data folder. Raises AssertionError."""
        eventually(lambda: not processes_of(self.data), f"an end of {processes_of(self.data)}")

    def clean_up(self) -> None:
        """End it, whatever became of it."""
        if self._process.poll() is None:
            self.end()


@contextmanager
def hearthgate(data: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[Hearthgate]:
    """A run of the command, ended after the block where it has not ended before."""
    run = Hearthgate(data, *arguments, variables=variables or {})
    try:
        yield run
    finally:
        run.clean_up()


@contextmanager
def up(data: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[Hearthgate]:
    """`hearthgate up --json` on free ports."""
    with hearthgate(data, "up", "--json", "--port", "0", *arguments, variables=variables) as run:
        yield run


def processes_of(folder: Path) -> list[int]:
    """Every process that runs in a folder or has standard output or a lock in it, PostgreSQL's and `up` included."""
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _belongs(each, folder)]


def _belongs(process: Path, folder: Path) -> bool:
    try:
        links = [process / "cwd", *(process / "fd").iterdir()]
        return any(link.readlink().is_relative_to(folder) for link in links)
    except OSError:  # it has ended, or is somebody else's
        return False


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""

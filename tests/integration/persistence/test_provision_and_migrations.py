"""Databases, roles and migrations: each service in its own room, with no more rights than it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from libs.persistence.dsn import ServiceDsns, database_name, with_database, with_role
from libs.persistence.migrations import MigrationError, migrate
from libs.persistence.provision import provision
from libs.testing.plugin import ServiceDatabaseFactory, Templates
from libs.testing.postgres import EmbeddedPostgres

GOOD = "-- migrate:up\nset lock_timeout = '2s';\n{up}\n-- migrate:down\nset lock_timeout = '2s';\n{down}\n"


def write_migration(directory: Path, name: str, up: str, down: str = "select 1;") -> None:
    (directory / name).write_text(GOOD.format(up=up, down=down))


@pytest.mark.parametrize(
    "sql",
    [
        "create table mine (id integer)",
        "create schema mine",
        "drop table account",
        "alter table account add column more text",
        "truncate account",
        "create role mine",
        "create temporary table mine (id integer)",
        "select version from migrations.applied",
        "alter role hearthgate_sample superuser",
    ],
)
async def test_the_app_role_changes_rows_and_nothing_else(dsns: ServiceDsns, sql: str) -> None:
    connection = await asyncpg.connect(dsns.app)
    await connection.execute("insert into account (account_id) values (1)")
    await connection.execute("update account set balance = 2 where account_id = 1")
    await connection.execute("delete from account where account_id = 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(sql)
    await connection.close()


async def test_no_role_of_one_service_connects_to_another_database(
    dsns: ServiceDsns, service_database: ServiceDatabaseFactory, migrations: Path
) -> None:
    other = await service_database("another", migrations=migrations)
    for dsn in (dsns.app, dsns.owner):
        for database in (database_name(other.app), "postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(with_database(dsn, database))


async def test_a_wrong_password_is_refused(dsns: ServiceDsns) -> None:
    user = database_name(dsns.app).rpartition("_")[0]
    wrong = with_role(dsns.app, user=user, password="wrong", database=database_name(dsns.app))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_the_owner_owns_what_migrations_make(dsns: ServiceDsns) -> None:
    connection = await asyncpg.connect(dsns.owner)
    owner = await connection.fetchval("select tableowner from pg_tables where tablename = 'account'")
    await connection.close()
    assert owner == "hearthgate_sample_owner"


async def test_provisioning_again_changes_the_passwords_and_keeps_the_rows(postgres: EmbeddedPostgres) -> None:
    first = await provision(postgres.admin_dsn, "repeated", 'owner\'s "first" %/@', "first ' ü")
    connection = await asyncpg.connect(first.owner)
    await connection.execute("create table kept as select 1 as id")
    await connection.close()
    second = await provision(postgres.admin_dsn, "repeated", "owner second", "second")
    connection = await asyncpg.connect(second.app)
    assert await connection.fetchval("select id from kept") == 1
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(first.app)


async def test_dsns_do_not_show_their_passwords(dsns: ServiceDsns) -> None:
    assert repr(dsns) == "ServiceDsns()"


@pytest.mark.parametrize("service", ["", "Identity", 'x"; drop role postgres; --', "a" * 60])
async def test_a_name_that_is_no_services_is_refused(postgres: EmbeddedPostgres, service: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        await provision(postgres.admin_dsn, service, "x", "y")


async def test_migrations_are_applied_once(dsns: ServiceDsns, tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "0001_account.sql").write_text((migrations / "0001_account.sql").read_text())
    write_migration(tmp_path, "0002_more.sql", "create table more (id integer);", "drop table more;")
    assert await migrate(dsns.owner, tmp_path) == ["0002_more.sql"]
    assert await migrate(dsns.owner, tmp_path) == []


async def test_a_broken_migration_is_named_and_leaves_nothing_behind(
    dsns: ServiceDsns, tmp_path: Path, migrations: Path
) -> None:
    (tmp_path / "0001_account.sql").write_text((migrations / "0001_account.sql").read_text())
    write_migration(tmp_path, "0002_broken.sql", "create table half (id integer);\ncreate tabel other (id integer);")
    with pytest.raises(MigrationError, match=r"0002_broken\.sql: .*syntax error"):
        await migrate(dsns.owner, tmp_path)
    connection = await asyncpg.connect(dsns.owner)
    assert await connection.fetchval("select to_regclass('half')") is None
    await connection.close()


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("1_short.sql", GOOD, "NNNN_title.sql"),
        ("0001_no_down.sql", "-- migrate:up\nset lock_timeout = '2s';", "migrate:down"),
        ("0001_no_timeout.sql", "-- migrate:up\nselect 1;\n-- migrate:down\n", "lock_timeout"),
    ],
)
async def test_a_file_out_of_order_is_refused_by_name(
    dsns: ServiceDsns, tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MigrationError, match=rf"{re.escape(name)}: .*{re.escape(complaint)}"):
        await migrate(dsns.owner, tmp_path)


async def test_the_app_role_cannot_migrate(dsns: ServiceDsns, migrations: Path) -> None:
    with pytest.raises(MigrationError, match="permission denied"):
        await migrate(dsns.app, migrations)


async def test_an_unreachable_database_is_said_without_the_password(migrations: Path) -> None:
    with pytest.raises(MigrationError) as failed:
        await migrate("postgresql://app:hunter2@127.0.0.1:1/x", migrations)
    assert "hunter2" not in str(failed.value)


def run_module(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "libs.persistence.migrations", str(directory)],
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_module_applies_migrations_as_a_command(dsns: ServiceDsns, tmp_path: Path, migrations: Path) -> None:
    again = run_module(migrations, HEARTHGATE_DATABASE_URL=dsns.owner)
    assert (again.returncode, again.stdout) == (0, "nothing to apply\n")
    missing = run_module(migrations)
    assert (missing.returncode, missing.stderr) == (78, "HEARTHGATE_DATABASE_URL: Field required\n")
    empty = run_module(tmp_path, HEARTHGATE_DATABASE_URL=dsns.owner)
    assert (empty.returncode, empty.stderr) == (1, f"{tmp_path}: no migrations here\n")


async def test_the_servers_log_holds_no_password(database_templates: Templates, postgres: EmbeddedPostgres) -> None:
    await provision(postgres.admin_dsn, "logged", "secret-of-owner", "secret-of-app")
    assert "secret-of" not in postgres.log_tail(100_000)

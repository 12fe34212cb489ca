"""The database as a service sees it: its answers, and its failures in our own terms."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest
import pytest_asyncio

from libs.persistence.database import Database, Executor, retry_conflicts
from libs.persistence.dsn import ServiceDsns, database_name
from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.plugin import Templates
from libs.testing.postgres import EmbeddedPostgres, temporary_directory

INSERT = "insert into account (account_id, email_hash) values ($1, $2)"
ADD = "update account set balance = balance + 1 where account_id = $1"
COUNT = "select count(*) from account"


async def terminate_others(templates: Templates, dsns: ServiceDsns) -> int:
    async with templates.admin() as admin:
        ended = await admin.fetch(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", database_name(dsns.app)
        )
    return len(ended)


@pytest_asyncio.fixture
async def own_server() -> AsyncIterator[EmbeddedPostgres]:
    """A server that a test may stop."""
    directory = temporary_directory()
    server = EmbeddedPostgres(directory, durable=False)
    await server.start()
    yield server
    await server.stop()
    shutil.rmtree(directory)


async def test_every_kind_of_statement_gives_its_answer(database: Database) -> None:
    await database.execute_many(INSERT, [(1, "a"), (2, "b")])
    assert await database.execute(ADD, 1) == "UPDATE 1"
    assert await database.fetch_value(COUNT) == 2
    row = await database.fetch_row("select account_id, balance from account where account_id = $1", 1)
    assert row is not None
    assert dict(row) == {"account_id": 1, "balance": 1}
    assert await database.fetch_row("select balance from account where account_id = 3") is None
    rows = await database.fetch("select account_id from account order by account_id")
    assert [found["account_id"] for found in rows] == [1, 2]


async def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    moment: datetime = await database.fetch_value("select timestamptz '2030-01-01 01:00+01'")
    assert moment == datetime(2030, 1, 1, tzinfo=UTC)
    assert await database.fetch_value("show timezone") == "UTC"


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    async def insert_and_fail() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, 1, "a")
            raise RuntimeError("the use case's own")

    with pytest.raises(RuntimeError, match="the use case's own"):
        await insert_and_fail()
    assert await database.fetch_value(COUNT) == 0
    async with database.transaction() as tx:
        await tx.execute(INSERT, 1, "a")
    assert await database.fetch_value(COUNT) == 1


async def test_a_cancelled_transaction_is_rolled_back_and_its_connection_is_free_again(dsns: ServiceDsns) -> None:
    database = await Database.connect(dsns.app, application_name="test", pool_size=1)
    inside = asyncio.Event()

    async def never_ending() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, 1, "a")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ending())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.fetch_value(COUNT) == 0
    await database.close()


async def test_a_unique_violation_names_its_constraint(database: Database) -> None:
    await database.execute(INSERT, 1, "a")
    with pytest.raises(UniqueViolation) as refused:
        await database.execute(INSERT, 2, "a")
    assert refused.value.constraint == "account_email_hash_key"


async def test_another_constraint_is_internal_and_its_detail_quotes_no_row(database: Database) -> None:
    with pytest.raises(ServiceError) as refused:
        await database.execute("insert into account (account_id, email_hash, balance) values (1, 'canary', -1)")
    assert refused.value.reason is ErrorReason.INTERNAL
    assert "account_balance_check" in refused.value.detail
    assert "canary" not in refused.value.detail


@pytest.mark.parametrize("sql", ["selec 1", "select $1::integer", "select 1 from nothing_here"])
async def test_a_mistake_of_ours_is_internal(database: Database, sql: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await database.fetch(sql)
    assert refused.value.reason is ErrorReason.INTERNAL


async def deadlock(database: Database) -> tuple[BaseException | None, BaseException | None]:
    """Two transactions, each holding the row that the other wants."""
    both_hold = asyncio.Barrier(2)

    async def add(first: int, second: int) -> None:
        async with database.transaction() as tx:
            await tx.execute(ADD, first)
            await both_hold.wait()
            await tx.execute(ADD, second)

    return await asyncio.gather(add(1, 2), add(2, 1), return_exceptions=True)


async def test_a_deadlock_is_a_concurrent_change_for_one_of_the_two(database: Database) -> None:
    await database.execute_many(INSERT, [(1, "a"), (2, "b")])
    outcomes = await deadlock(database)
    (error,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(error, ServiceError)
    assert error.reason is ErrorReason.CONCURRENT_CHANGE


async def test_a_conflict_is_tried_again_and_succeeds(database: Database) -> None:
    await database.execute(INSERT, 1, "a")
    both_read = asyncio.Barrier(2)

    async def add(tx: Executor, *, first: bool) -> None:
        balance = await tx.fetch_value("select balance from account where account_id = 1")
        if first:
            await both_read.wait()
        await tx.execute("update account set balance = $1 where account_id = 1", balance + 1)

    async def with_retry() -> int:
        attempts = 0

        async def once() -> None:
            nonlocal attempts
            attempts += 1
            async with database.transaction(isolation="repeatable_read") as tx:
                await add(tx, first=attempts == 1)

        await retry_conflicts(once)
        return attempts

    assert sorted(await asyncio.gather(with_retry(), with_retry())) == [1, 2]
    assert await database.fetch_value("select balance from account where account_id = 1") == 2


async def test_retries_end_and_other_errors_are_not_retried() -> None:
    calls = 0

    async def fail(reason: ErrorReason) -> None:
        nonlocal calls
        calls += 1
        raise ServiceError(reason)

    with pytest.raises(ServiceError):
        await retry_conflicts(lambda: fail(ErrorReason.CONCURRENT_CHANGE), attempts=3)
    assert calls == 3
    with pytest.raises(ServiceError):
        await retry_conflicts(lambda: fail(ErrorReason.STORAGE_UNAVAILABLE), attempts=3)
    assert calls == 4


async def test_a_statement_that_takes_too_long_is_ended(dsns: ServiceDsns) -> None:
    database = await Database.connect(
        dsns.app, application_name="test", pool_size=1, statement_timeout=timedelta(milliseconds=50)
    )
    with pytest.raises(ServiceError) as ended:
        await database.execute("select pg_sleep(30)")
    assert ended.value.reason is ErrorReason.STORAGE_UNAVAILABLE
    assert "statement timeout" in ended.value.detail
    assert await database.fetch_value("select 1") == 1
    await database.close()


async def test_a_frozen_backend_is_unavailable_and_the_pool_gets_another(own_server: EmbeddedPostgres) -> None:
    database = await Database.connect(
        own_server.admin_dsn, application_name="test", pool_size=1, statement_timeout=timedelta(milliseconds=50)
    )
    backend = await database.fetch_value("select pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(ServiceError) as refused:
            await database.fetch_value("select 1")
        assert refused.value.reason is ErrorReason.STORAGE_UNAVAILABLE
        assert await database.fetch_value("select pg_backend_pid()") != backend
    finally:
        os.kill(backend, signal.SIGCONT)
    await database.close()


async def test_a_full_pool_is_unavailable_after_the_wait(dsns: ServiceDsns) -> None:
    database = await Database.connect(
        dsns.app, application_name="test", pool_size=1, acquire_timeout=timedelta(milliseconds=50)
    )
    async with database.transaction():
        with pytest.raises(ServiceError) as refused:
            await database.fetch_value("select 1")
    assert refused.value.reason is ErrorReason.STORAGE_UNAVAILABLE
    await database.close()


async def test_a_killed_backend_is_unavailable_and_the_next_statement_succeeds(
    database: Database, database_templates: Templates, dsns: ServiceDsns
) -> None:
    async def insert_twice() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, 1, "a")
            assert await terminate_others(database_templates, dsns) == 1
            await tx.execute(INSERT, 2, "b")

    with pytest.raises(ServiceError) as lost:
        await insert_twice()
    assert lost.value.reason is ErrorReason.STORAGE_UNAVAILABLE
    assert await database.fetch_value(COUNT) == 0


async def test_ping_survives_a_connection_that_died_in_the_pool(
    database: Database, database_templates: Templates, dsns: ServiceDsns
) -> None:
    await database.ping()
    await terminate_others(database_templates, dsns)
    await database.ping()


async def test_a_database_that_is_down_is_unavailable_and_comes_back_by_itself(own_server: EmbeddedPostgres) -> None:
    database = await Database.connect(own_server.admin_dsn, application_name="test", pool_size=2)
    await database.ping(timedelta(seconds=5))
    await own_server.stop()
    for attempt in (partial(database.fetch_value, "select 1"), database.ping):
        with pytest.raises(ServiceError) as refused:
            await attempt()
        assert refused.value.reason is ErrorReason.STORAGE_UNAVAILABLE
    await own_server.start()
    assert await database.fetch_value("select 1") == 1
    await database.close()


async def test_a_service_starts_while_its_database_is_down(own_server: EmbeddedPostgres) -> None:
    await own_server.stop()
    database = await Database.connect(own_server.admin_dsn, application_name="test", pool_size=2)
    with pytest.raises(ServiceError):
        await database.ping()
    await own_server.start()
    await database.ping(timedelta(seconds=5))
    await database.close()


async def test_a_closed_database_is_unavailable(dsns: ServiceDsns) -> None:
    database = await Database.connect(dsns.app, application_name="test")
    await database.close()
    with pytest.raises(ServiceError) as refused:
        await database.fetch_value("select 1")
    assert refused.value.reason is ErrorReason.STORAGE_UNAVAILABLE


async def test_sessions_carry_their_timeouts_and_name(dsns: ServiceDsns) -> None:
    database = await Database.connect(dsns.app, application_name="hearthgate-sample")
    async with database.session() as session:
        shown = [
            await session.fetch_value(f"show {name}")
            for name in ("application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == ["hearthgate-sample", "3s", "2s", "10s"]
    await database.close()


async def test_the_driver_is_the_version_that_closes_on_a_frozen_server() -> None:
    assert tuple(int(part) for part in asyncpg.__version__.split(".")[:2]) >= (0, 32)

"""What runs beside the calls: the clock, the listener, the worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.persistence.dsn import ServiceDsns, database_name
from libs.persistence.jobs import run_worker
from libs.persistence.notifications import Listener
from libs.runtime.clock import FakeClock
from libs.testing.plugin import Templates

DEADLINE = 20.0


class ShiftedDatabase:
    """The real database, whose time a test can shift."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.shift = timedelta(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        value = await self._database.fetch_value(sql, *args)
        return value + self.shift if isinstance(value, datetime) else value


async def test_the_clock_tells_the_databases_time_and_not_the_machines(database: Database) -> None:
    shifted = ShiftedDatabase(database)
    shifted.shift = timedelta(days=3)
    clock = DatabaseClock(shifted, fallback=FakeClock())
    assert await clock.measure()
    before = await shifted.fetch_value("select clock_timestamp()")
    told = clock.now()
    after = await shifted.fetch_value("select clock_timestamp()")
    doubt = timedelta(milliseconds=500)
    assert before - doubt <= told <= after + doubt
    assert told.tzinfo is UTC


async def test_the_clock_follows_when_the_database_moves(database: Database) -> None:
    shifted = ShiftedDatabase(database)
    clock = DatabaseClock(shifted)
    await clock.measure()
    earlier = clock.now()
    shifted.shift = timedelta(hours=1)
    await clock.measure()
    assert clock.now() - earlier >= timedelta(minutes=59)


async def test_the_clock_goes_on_between_measurements(database: Database) -> None:
    moment = 100.0
    clock = DatabaseClock(database, monotonic=lambda: moment)
    await clock.measure()
    first = clock.now()
    moment += 90
    assert clock.now() - first == timedelta(seconds=90)


async def test_an_answer_too_slow_to_be_of_use_is_not_used(database: Database) -> None:
    moments = iter(float(second * 10) for second in range(100))
    fallback = FakeClock()
    clock = DatabaseClock(database, fallback=fallback, monotonic=lambda: next(moments))
    assert not await clock.measure()
    assert clock.now() == fallback.now()


async def test_the_clock_tells_the_fallbacks_time_until_the_database_answers(dsns: ServiceDsns) -> None:
    database = await Database.connect(dsns.app, application_name="test")
    await database.close()
    fallback = FakeClock()
    clock = DatabaseClock(database, fallback=fallback)
    assert not await clock.measure()
    assert clock.now() == fallback.now()


async def test_an_open_clock_stops_with_its_block(database: Database) -> None:
    async with DatabaseClock.open(database) as clock:
        assert clock.now().tzinfo is UTC
    assert "database-clock" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_listener_hears_what_is_notified(database: Database, dsns: ServiceDsns) -> None:
    async with asyncio.timeout(DEADLINE), Listener(dsns.app, "hints") as hints:
        assert await anext(hints) == ""
        await database.execute("select pg_notify('hints', $1)", "account 1")
        assert await anext(hints) == "account 1"


async def test_a_listener_comes_back_after_its_backend_was_terminated(
    database: Database, dsns: ServiceDsns, database_templates: Templates
) -> None:
    async with asyncio.timeout(DEADLINE), Listener(dsns.app, "hints", application_name="doomed") as hints:
        assert await anext(hints) == ""
        async with database_templates.admin() as admin:
            ended = await admin.fetchval(
                "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                "where application_name = 'doomed' and datname = $1",
                database_name(dsns.app),
            )
        assert ended == 1
        assert await anext(hints) == "", "an empty hint says that some may have been missed"
        await database.execute("select pg_notify('hints', 'again')")
        assert await anext(hints) == "again"


async def test_a_listener_that_nobody_reads_keeps_the_newest(database: Database, dsns: ServiceDsns) -> None:
    async with asyncio.timeout(DEADLINE), Listener(dsns.app, "hints", capacity=2) as hints:
        async with Listener(dsns.app, "hints") as other:
            await hints.connected.wait()
            assert await anext(other) == ""
            await database.execute_many("select pg_notify('hints', $1)", [("1",), ("2",), ("3",)])
            while await anext(other) != "3":
                pass
        # Both connections got the commit's notifications; this one's task may still have to take them in.
        heard = [await anext(hints)]
        while heard[-1] != "3":
            heard.append(await anext(hints))
        assert len(heard) <= 4


class Queue:
    """Jobs to claim, what was handled, and how many at once at most."""

    def __init__(self, jobs: list[int]) -> None:
        self.jobs = jobs
        self.done: list[int] = []
        self.most_at_once = 0
        self.limits: list[int] = []
        self.all_done = asyncio.Event()
        self._running = 0
        self._expected = len(jobs)

    async def claim(self, limit: int) -> list[int]:
        self.limits.append(limit)
        taken, self.jobs = self.jobs[:limit], self.jobs[limit:]
        return taken

    async def handle(self, job: int) -> None:
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        await asyncio.sleep(0)
        self._running -= 1
        self.done.append(job)
        if len(self.done) >= self._expected:
            self.all_done.set()


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_worker_handles_every_job_with_bounded_concurrency() -> None:
    queue = Queue(list(range(20)))
    worker = run_worker(queue.claim, queue.handle, idle=timedelta(hours=1), wake=asyncio.Event(), concurrency=3)
    async with asyncio.timeout(DEADLINE):
        task = asyncio.create_task(worker)
        await queue.all_done.wait()
        await stop(task)
    assert sorted(queue.done) == list(range(20))
    assert queue.most_at_once <= 3
    assert max(queue.limits) == 3


async def test_an_idle_worker_is_woken() -> None:
    queue, wake = Queue([1]), asyncio.Event()
    worker = run_worker(queue.claim, queue.handle, idle=timedelta(hours=1), wake=wake, concurrency=1)
    async with asyncio.timeout(DEADLINE):
        task = asyncio.create_task(worker)
        await queue.all_done.wait()
        queue.all_done.clear()
        queue.jobs.append(2)
        wake.set()
        await queue.all_done.wait()
        await stop(task)
    assert queue.done == [1, 2]


async def test_a_job_that_raises_does_not_stop_the_others() -> None:
    queue = Queue([1, 2])

    async def handle(job: int) -> None:
        await queue.handle(job)
        if job == 1:
            raise RuntimeError("a poison job")

    worker = run_worker(queue.claim, handle, idle=timedelta(hours=1), wake=asyncio.Event(), concurrency=1)
    async with asyncio.timeout(DEADLINE):
        task = asyncio.create_task(worker)
        await queue.all_done.wait()
        await stop(task)
    assert queue.done == [1, 2]


async def test_a_cancelled_worker_finishes_what_it_has_begun_and_claims_no_more() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    queue = Queue([1, 2])

    async def handle(job: int) -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    worker = run_worker(queue.claim, handle, idle=timedelta(hours=1), wake=asyncio.Event(), concurrency=1)
    async with asyncio.timeout(DEADLINE):
        task = asyncio.create_task(worker)
        await begun.wait()
        task.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended.is_set()
    assert queue.jobs == [2]


async def test_a_second_cancellation_ends_what_is_under_way() -> None:
    begun, undone = asyncio.Event(), asyncio.Event()

    async def handle(job: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            undone.set()
            raise

    worker = run_worker(Queue([1]).claim, handle, idle=timedelta(hours=1), wake=asyncio.Event(), concurrency=1)
    async with asyncio.timeout(DEADLINE):
        task = asyncio.create_task(worker)
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert undone.is_set()

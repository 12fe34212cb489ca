"""Rules at work: what is old goes and what is not stays, in small pieces, by two at once, and by one way alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.devstack.retention import Service, settings_of
from libs.persistence import retention
from libs.persistence.database import Database
from libs.persistence.retention import Policy, Rule, apply
from libs.persistence.retention_loop import retention_running
from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory

DAY = timedelta(days=1)
Open = Callable[[str], Awaitable[Database]]
PROOF = """
insert into proof (proof_id, purpose, account_id, challenge_id, device_id, body_digest, expire_time)
values ($1, 'SIGN_UP', $1, $1, 'tv', '', $2)
"""
DEVICE = """
insert into device (account_id, device_id, kind, name, platform, first_seen_time, last_seen_time, last_network,
                    revoked_time, revocation_reason)
values ($1, $2, 'TV', '', 'OTHER', $3, $3, $5, $4, case when $4::timestamptz is null then null else 'BY_OWNER' end)
"""
USE = """
insert into allowance_use (account_id, request_id, kind, network_hash, device_id, used_time)
values ($1, $2, 'DEFERRAL', $4, 'tv', $3)
"""
TRAVEL = "insert into travel (account_id, request_id, country_code, start_time, end_time) values ($1, $2, 'NL', $3, $3)"
VIEWING = """
insert into viewing (account_id, profile_id, viewing_id, title_id, device_id, state, position_ms, event_time,
                     record_time)
values ($1, $1, $2, 't', 'tv', 'FINISHED', 0, $3, $3)
"""


@pytest.fixture
async def open_database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Open]:
    """A service's database, with the rights of its app role."""
    async with AsyncExitStack() as stack:

        async def connect(service: str) -> Database:
            dsns = await service_database(service)
            database = await Database.connect(dsns.app, application_name="test", pool_size=6)
            stack.push_async_callback(database.close)
            return database

        yield connect


def policy_of(service: Service) -> Policy:
    """With the defaults."""
    return settings_of(service).model_construct().retention_policy()


async def gone(database: Database, clock: FakeClock, policy: Policy) -> dict[str, int]:
    """Apply the policy; rows by table."""
    outcomes = await apply(database, clock, policy)
    assert [each.failure for each in outcomes if each.failure] == []
    return {each.table: each.rows for each in outcomes if each.rows}


async def test_device_trust_forgets_uses_journeys_and_devices_that_count_no_more(
    open_database: Open, clock: FakeClock
) -> None:
    database, network = await open_database("device_trust"), b"n" * 16
    account_id, now = uuid4(), clock.now()
    for days in (1, 90, 92):
        await database.execute(USE, account_id, uuid4(), now - days * DAY, network)
    for days in (1, 366, 368):
        await database.execute(TRAVEL, account_id, uuid4(), now - days * DAY)
    seen: list[tuple[str, int, int | None]] = [
        ("new", 1, None),
        ("old", 731, None),
        ("revoked lately", 731, 10),
        ("revoked long ago", 800, 731),
    ]
    for name, days, revoked in seen:
        revoked_time = None if revoked is None else now - revoked * DAY
        await database.execute(DEVICE, account_id, name.replace(" ", "-"), now - days * DAY, revoked_time, network)
    assert await gone(database, clock, policy_of(Service.DEVICE_TRUST)) == {
        "allowance_use": 1,
        "travel": 1,
        "device": 2,
    }
    left = {row["device_id"] for row in await database.fetch("select device_id from device")}
    assert left == {"new", "revoked-lately"}


async def test_download_planning_forgets_what_was_watched_two_years_ago(open_database: Open, clock: FakeClock) -> None:
    database = await open_database("download_planning")
    for days in (1, 729, 731):
        await database.execute(VIEWING, uuid4(), uuid4(), clock.now() - days * DAY)
    assert await gone(database, clock, policy_of(Service.DOWNLOAD_PLANNING)) == {"viewing": 1}


async def test_no_statement_deletes_more_than_a_batch(
    open_database: Open, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    database = await open_database("gateway")
    await _proofs(database, 10, clock.now() - 2 * DAY)
    kept = await _proofs(database, 2, clock.now())
    watched: Any = Watched(database)
    assert await gone(watched, clock, policy_of(Service.GATEWAY)) == {"proof": 10}
    assert max(watched.tags) == 3
    assert {row["proof_id"] for row in await database.fetch("select proof_id from proof")} == kept


async def test_two_at_once_delete_everything_once(open_database: Open, clock: FakeClock) -> None:
    database = await open_database("gateway")
    await _proofs(database, 2500, clock.now() - 2 * DAY)
    policy = policy_of(Service.GATEWAY)
    both = await asyncio.gather(*(gone(database, clock, policy) for _ in range(2)))
    assert sum(each.get("proof", 0) for each in both) == 2500


async def test_a_rule_that_fails_is_said_and_the_others_go_on(open_database: Open, clock: FakeClock) -> None:
    database = await open_database("gateway")
    await _proofs(database, 1, clock.now() - 2 * DAY)
    policy = policy_of(Service.GATEWAY)
    broken = Rule(table="nothing", what="-", keep=DAY, since="-", why="-", setting="", condition="no_such_column < $1")
    outcomes = await apply(database, clock, replace(policy, rules=[broken, *policy.rules]))
    assert [each.table for each in outcomes if each.failure] == ["nothing"]
    assert sum(each.rows for each in outcomes) == 1


class Told:
    """Settings of a service, and the policy that it is asked for."""

    def __init__(self, *, loop: bool) -> None:
        self.retention_loop = loop
        self.asked = False

    def retention_policy(self) -> Policy:
        """The gateway's."""
        self.asked = True
        return policy_of(Service.GATEWAY)


async def test_a_server_keeps_house_itself_unless_a_job_does(open_database: Open, clock: FakeClock) -> None:
    database = await open_database("gateway")
    await _proofs(database, 1, clock.now() - 2 * DAY)
    left_alone = Told(loop=False)
    async with retention_running(left_alone, database, clock, every=0.01):
        assert not left_alone.asked
    watched: Any = Watched(database)
    async with retention_running(Told(loop=True), watched, clock, every=60), asyncio.timeout(20):
        await watched.deleted.wait()
    assert await database.fetch_value("select count(*) from proof") == 0


class Watched:
    """A database that notes how many rows each statement deleted."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.tags: list[int] = []
        self.deleted = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def execute(self, statement: str, *arguments: Any) -> str:
        """Run it, and note."""
        tag = await self._inner.execute(statement, *arguments)
        self.tags.append(retention.affected(tag))
        if self.tags[-1]:
            self.deleted.set()
        return tag


async def _proofs(database: Database, count: int, end: datetime) -> set[UUID]:
    ids = {uuid4() for _ in range(count)}
    await database.execute_many(PROOF, [(each, end) for each in ids])
    return ids

"""Slots on a real PostgreSQL: never more streams than the plan has, however many start together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.persistence.database import Database, Executor
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.plugin import ServiceDatabaseFactory
from services.gateway.domain.lease import Lease, StreamRequest
from services.gateway.storage import leases, sql

NOW = datetime(2030, 1, 1, tzinfo=UTC)
END = NOW + timedelta(seconds=90)
LIMIT = 4
TOGETHER = 16
ACCOUNTS = 60


@pytest.fixture
async def database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Database]:
    """The gateway's database, with the rights of its app role."""
    dsns = await service_database("gateway")
    database = await Database.connect(dsns.app, application_name="test", pool_size=TOGETHER)
    yield database
    await database.close()


def _request(account_id: UUID, **changes: object) -> StreamRequest:
    fields: dict[str, object] = {
        "account_id": account_id,
        "stream_id": uuid4(),
        "session_id": uuid4(),
        "device_id": "tv",
        "device_name": "TV",
        "profile_id": uuid4(),
        "title_id": "film",
        "stop_stream_ids": (),
        "replace_device_streams": False,
    }
    return StreamRequest(**{**fields, **changes})  # type: ignore[arg-type]  # a test's shorthand


async def _claim(
    database: Database, account_id: UUID, *, epoch: int = 0, now: datetime = NOW, end: datetime = END, **changes: object
) -> Lease | None:
    async with database.transaction() as transaction:
        return await leases.claim(
            transaction, _request(account_id, **changes), epoch=epoch, max_streams=LIMIT, now=now, expire_time=end
        )


async def _naive_claim(database: Database, account_id: UUID) -> Lease | None:
    """The negative control: count, then insert, as one would at first."""
    async with database.transaction() as transaction:
        running = await transaction.fetch_value(
            "select count(*) from slot where account_id = $1 and expire_time > $2", account_id, NOW
        )
        if running >= LIMIT:
            return None
        free = await transaction.fetch_value("select coalesce(max(n), 0) from slot where account_id = $1", account_id)
        for n in range(free + 1, 100):
            tag = await transaction.execute(
                "insert into slot (account_id, n, expire_time, stream_id, fence) values ($1, $2, $3, $4, 1)"
                " on conflict do nothing",
                *(account_id, n, END, uuid4()),
            )
            if tag == "INSERT 0 1":
                return Lease(stream_id=uuid4(), expire_time=END, fencing_token=1)
        return None


async def _accounts_over_the_limit(
    database: Database, claim: Callable[[Database, UUID], Awaitable[Lease | None]]
) -> tuple[int, int]:
    """How many accounts got more than their limit, and how many got less, of 16 starts together on each."""
    over = under = 0
    for _ in range(ACCOUNTS):
        account_id = uuid4()
        claimed = await asyncio.gather(*(claim(database, account_id) for _ in range(TOGETHER)))
        count = sum(lease is not None for lease in claimed)
        over, under = over + (count > LIMIT), under + (count < LIMIT)
    return over, under


async def test_sixteen_starts_together_never_pass_the_limit_where_the_naive_claim_does(database: Database) -> None:
    assert await _accounts_over_the_limit(database, _claim) == (0, 0)
    naive_over, _ = await _accounts_over_the_limit(database, _naive_claim)
    assert naive_over > 0, "the negative control passed: this test would not notice a race"


async def test_a_start_that_looked_at_the_clock_before_the_account_had_slots_gets_one(database: Database) -> None:
    account_id = uuid4()
    assert await _claim(database, account_id)
    assert await _claim(database, account_id, now=NOW - timedelta(milliseconds=5))


async def test_a_slot_is_free_again_when_its_lease_has_ended_and_its_fencing_token_grows(database: Database) -> None:
    account_id = uuid4()
    first = [await _claim(database, account_id) for _ in range(LIMIT)]
    assert all(first)
    assert await _claim(database, account_id) is None
    again = await _claim(database, account_id, now=END, end=END + timedelta(seconds=90))
    assert again is not None
    assert again.fencing_token == 2


async def test_a_revocation_between_looking_up_and_claiming_refuses_the_slot(database: Database) -> None:
    account_id = uuid4()
    epoch = await leases.find_epoch(database, account_id)
    await leases.raise_epoch(database, account_id)
    with pytest.raises(ServiceError) as caught:
        await _claim(database, account_id, epoch=epoch)
    assert caught.value.reason is ErrorReason.CONCURRENT_CHANGE
    assert await _claim(database, account_id, epoch=await leases.find_epoch(database, account_id)) is not None


async def test_stopping_another_stream_makes_room_in_the_same_step(database: Database) -> None:
    account_id = uuid4()
    held = [await _claim(database, account_id) for _ in range(LIMIT)]
    assert held[0] is not None
    assert await _claim(database, account_id, stop_stream_ids=(held[0].stream_id,)) is not None
    assert len(await leases.list_streams(database, account_id, NOW)) == LIMIT


async def test_a_guest_device_has_one_stream(database: Database) -> None:
    account_id = uuid4()
    for _ in range(3):
        assert await _claim(database, account_id, device_id="guest", replace_device_streams=True)
    assert len(await leases.list_streams(database, account_id, NOW)) == 1


async def test_a_stale_fencing_token_renews_nothing(database: Database) -> None:
    account_id = uuid4()
    lease = await _claim(database, account_id)
    assert lease is not None
    stream = await leases.find_stream(database, account_id, lease.stream_id)
    assert stream is not None
    later = END + timedelta(seconds=60)
    terms: dict[str, Any] = {"epoch": 0, "max_streams": LIMIT, "now": NOW, "expire_time": later}
    assert await leases.renew(database, stream, account_id, **terms)
    await leases.end_streams(database, account_id, [lease.stream_id], NOW)
    assert not await leases.renew(database, stream, account_id, **terms)


async def test_a_smaller_plan_lends_no_slot_beyond_it(database: Database) -> None:
    account_id = uuid4()
    for _ in range(LIMIT):
        await _claim(database, account_id)
    await leases.end_other_streams(database, account_id, None, NOW)
    async with database.transaction() as transaction:
        claimed = [
            await leases.claim(transaction, _request(account_id), epoch=0, max_streams=1, now=NOW, expire_time=END)
            for _ in range(2)
        ]
    assert [lease is not None for lease in claimed] == [True, False]


async def _revoke(database: Database, account_id: UUID) -> int:
    async with database.transaction() as transaction:
        await leases.raise_epoch(transaction, account_id)
        return await leases.end_device_streams(transaction, account_id, "tv", NOW)


_SOMEBODY_WAITS = """
select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())
"""


async def _until_waiting_or_done(database: Database, task: asyncio.Task[int]) -> None:
    """Return when the task's statement waits for a lock, or the task is over."""
    async with asyncio.timeout(5):
        while not task.done() and not await database.fetch_value(_SOMEBODY_WAITS):
            pass


async def _claim_and_revoke(
    database: Database, claim: Callable[[Executor, UUID], Awaitable[object]]
) -> tuple[int, int]:
    """A revocation while a claim is not committed yet: how many streams it ended, and how many run after it."""
    account_id = uuid4()
    await _claim(database, account_id)
    await leases.end_device_streams(database, account_id, "tv", NOW)
    async with database.transaction() as transaction:
        await claim(transaction, account_id)
        revoking = asyncio.create_task(_revoke(database, account_id))
        await _until_waiting_or_done(database, revoking)
    return await revoking, len(await leases.list_streams(database, account_id, NOW))


async def test_a_revocation_ends_a_stream_whose_start_was_not_committed_yet(database: Database) -> None:
    async def held(transaction: Executor, account_id: UUID) -> object:
        return await leases.claim(
            transaction, _request(account_id), epoch=0, max_streams=LIMIT, now=NOW, expire_time=END
        )

    async def not_held(transaction: Executor, account_id: UUID) -> object:
        """The negative control: the epoch is looked at, but not held."""
        request = _request(account_id)
        return await transaction.fetch_value(
            sql.CLAIM_SLOT,
            *(account_id, 0, request.stream_id, request.session_id, request.device_id, request.device_name),
            *(request.profile_id, request.title_id, NOW, END, LIMIT),
        )

    assert await _claim_and_revoke(database, held) == (1, 0)
    assert await _claim_and_revoke(database, not_held) == (0, 1), "the negative control passed"

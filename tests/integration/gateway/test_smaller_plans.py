"""Plans that are made smaller while more streams run than they have: nothing begins beyond, and the newest end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.persistence.database import Database, retry_conflicts
from libs.testing.plugin import ServiceDatabaseFactory
from services.gateway.domain.lease import Lease, StreamRequest
from services.gateway.storage import leases

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=90)
TOGETHER = 8


@pytest.fixture
async def database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Database]:
    """The gateway's database, with the rights of its app role."""
    dsns = await service_database("gateway")
    database = await Database.connect(dsns.app, application_name="test", pool_size=TOGETHER)
    yield database
    await database.close()


class Account:
    """An account whose plan changes, on a clock of its own."""

    def __init__(self, database: Database, max_streams: int) -> None:
        self.database, self.account_id, self.max_streams, self.now = database, uuid4(), max_streams, NOW

    async def start(self) -> UUID | None:
        """Press play; the stream that runs, None where none may."""
        lease = await retry_conflicts(self._claim)
        return lease.stream_id if lease else None

    async def _claim(self) -> Lease | None:
        request = StreamRequest(
            account_id=self.account_id,
            stream_id=uuid4(),
            session_id=UUID(int=1),
            device_id="tv",
            device_name="TV",
            profile_id=UUID(int=2),
            title_id="film",
            stop_stream_ids=(),
            replace_device_streams=False,
        )
        async with self.database.transaction() as transaction:
            return await leases.claim(
                *(transaction, request),
                epoch=0,
                max_streams=self.max_streams,
                now=self.now,
                expire_time=self.now + LEASE,
            )

    async def renew(self, stream_id: UUID) -> bool:
        """Keep watching."""
        stream = await leases.find_stream(self.database, self.account_id, stream_id)
        return stream is not None and await leases.renew(
            *(self.database, stream, self.account_id),
            epoch=0,
            max_streams=self.max_streams,
            now=self.now,
            expire_time=self.now + LEASE,
        )

    async def stop(self, stream_id: UUID) -> None:
        """End a stream."""
        await leases.end_streams(self.database, self.account_id, [stream_id], self.now)

    async def running(self) -> list[UUID]:
        """The streams that run, oldest first."""
        return [each.stream_id for each in await leases.list_streams(self.database, self.account_id, self.now)]

    async def naive_start(self) -> bool:
        """The negative control: any free slot of the smaller plan will do, as if no stream ran beyond them."""
        found = await self.database.fetch_value(
            "update slot set stream_id = $2, start_time = $3, expire_time = $4 where account_id = $1 and n = "
            "(select n from slot where account_id = $1 and expire_time <= $3 and n <= $5 order by n limit 1 "
            "for update skip locked) returning n",
            *(self.account_id, uuid4(), self.now, self.now + LEASE, self.max_streams),
        )
        return found is not None


async def _four_running_and_two_stopped(database: Database) -> Account:
    """Four streams, of which the two in the first slots have ended; then the plan has two."""
    account = Account(database, 4)
    for _ in range(4):
        assert await account.start()
        account.now += timedelta(seconds=1)
    for stream_id in (await account.running())[:2]:
        await account.stop(stream_id)
    account.max_streams = 2
    return account


async def test_a_free_slot_of_a_smaller_plan_is_not_taken_beside_streams_beyond_it(database: Database) -> None:
    account = await _four_running_and_two_stopped(database)
    answers = await asyncio.gather(*(account.start() for _ in range(TOGETHER)))
    assert answers == [None] * TOGETHER
    assert len(await account.running()) == 2
    assert await account.naive_start(), "the negative control passed"
    assert len(await account.running()) == 3


async def test_what_room_there_is_beside_streams_beyond_a_smaller_plan_is_given_once(database: Database) -> None:
    account = await _four_running_and_two_stopped(database)
    await account.stop((await account.running())[0])
    answers = await asyncio.gather(*(account.start() for _ in range(TOGETHER)))
    assert len([each for each in answers if each]) == 1
    assert len(await account.running()) == 2


async def test_a_lone_stream_beyond_a_smaller_plan_runs_on(database: Database) -> None:
    account = await _four_running_and_two_stopped(database)
    await account.stop((await account.running())[0])
    [last] = await account.running()
    for _ in range(3):
        account.now += timedelta(seconds=60)
        assert await account.renew(last)


async def test_the_newest_streams_end_at_their_renewal_and_the_oldest_stay(database: Database) -> None:
    account = Account(database, 4)
    for _ in range(4):
        await account.start()
        account.now += timedelta(seconds=1)
    streams = await account.running()
    account.max_streams = 2
    assert [await account.renew(each) for each in reversed(streams)] == [False, False, True, True]


async def test_a_lease_that_had_ended_is_not_revived_beyond_a_smaller_plan(database: Database) -> None:
    account = Account(database, 4)
    oldest = await account.start()
    account.now += timedelta(seconds=60)
    for _ in range(2):
        await account.start()
    account.now += timedelta(seconds=31)
    account.max_streams = 2
    assert oldest is not None
    assert len(await account.running()) == 2
    assert not await account.renew(oldest)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_no_start_passes_the_plan_and_renewals_come_down_to_it(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    account = Account(database, chance.randint(1, 5))
    for _ in range(40):
        match chance.choice(("start", "start", "starts", "stop", "wait", "plan", "renew all")):
            case "start" | "starts" as many:
                before = len(await account.running())
                together = 3 if many == "starts" else 1
                begun = [each for each in await asyncio.gather(*(account.start() for _ in range(together))) if each]
                assert len(begun) == max(0, min(together, account.max_streams - before))
            case "stop":
                for stream_id in (await account.running())[:1]:
                    await account.stop(stream_id)
            case "wait":
                account.now += timedelta(seconds=chance.choice((1, 30, 95)))
            case "plan":
                account.max_streams = chance.randint(1, 5)
            case "renew all":
                streams = await account.running()
                kept = [await account.renew(each) for each in streams]
                assert kept == [place < account.max_streams for place, _ in enumerate(streams)]
                for stream_id, stays in zip(streams, kept, strict=True):
                    if not stays:
                        await account.stop(stream_id)
        account.now += timedelta(milliseconds=1)

"""The gateway's outbox on a real PostgreSQL: one worker a notice, later and later, and an end to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
import structlog

from libs.persistence.database import Database
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import SealingKeys
from libs.testing.plugin import ServiceDatabaseFactory
from services.gateway.clients.challenge import Notice
from services.gateway.domain.notices import Addressee, NoticePolicy, OwnerNotice
from services.gateway.domain.records import Channel, Contact, Contacts
from services.gateway.domain.verification import NoticeKind, Requester
from services.gateway.notices import NoticeOutbox, sender
from services.gateway.storage import notices

POLICY = NoticePolicy(lifetime=timedelta(hours=72))
KEYS = SealingKeys([b"k" * 32])
WORKERS, NOTICES = 4, 40


@dataclass(kw_only=True)
class Sender:
    """Challenge as the outbox sees it: takes notices, or fails as it is told to."""

    taken: Counter[UUID] = field(default_factory=Counter)
    fails: Callable[[], ServiceError | None] = lambda: None

    async def __call__(self, notice: OwnerNotice) -> None:
        await asyncio.sleep(0)
        if error := self.fails():
            raise error
        self.taken[notice.notice_id] += 1


@pytest.fixture
async def database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Database]:
    """The gateway's database, with the rights of its app role."""
    database = await Database.connect((await service_database("gateway")).app, application_name="test", pool_size=8)
    yield database
    await database.close()


def outbox(database: Database, clock: FakeClock, send: Sender, keys: SealingKeys = KEYS) -> NoticeOutbox:
    """A worker of its own, as in another process."""
    return NoticeOutbox(database, clock=clock, keys=keys, send=send, policy=POLICY, idle=timedelta(milliseconds=20))


def notice(clock: FakeClock, **changes: object) -> OwnerNotice:
    """A new sign-in."""
    about = Requester(device_id="tv", device_kind=1, device_name="Ada's TV", platform=4, country_code="DE")
    fields: dict[str, object] = {
        "account_id": uuid4(),
        "notice_id": uuid4(),
        "kind": NoticeKind.NEW_SIGN_IN,
        "about": about,
        "event_time": clock.now(),
        "disown_token": "a-token",
    }
    return OwnerNotice(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


def away() -> ServiceError:
    """Challenge does not answer."""
    return ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE)


async def work_off(worker: NoticeOutbox) -> int:
    """Claim what is due and handle it; how many there were."""
    claimed = await worker.claim(100)
    await asyncio.gather(*(worker.handle(each) for each in claimed))
    return len(claimed)


async def test_several_workers_hand_each_notice_over_once(database: Database, clock: FakeClock) -> None:
    send = Sender()
    kept = [notice(clock) for _ in range(NOTICES)]
    for each in kept:
        await outbox(database, clock, send).put(each)
    await asyncio.gather(*(work_off(outbox(database, clock, send)) for _ in range(WORKERS)))
    assert send.taken == Counter(each.notice_id for each in kept)
    assert await database.fetch_value("select count(*) from pending_notice") == 0


async def test_without_claiming_them_workers_would_hand_notices_over_twice(
    database: Database, clock: FakeClock
) -> None:
    """The negative control: each worker takes what is due, as one would at first."""
    send = Sender()
    for _ in range(NOTICES):
        await outbox(database, clock, send).put(notice(clock))

    everybody = asyncio.Barrier(WORKERS)

    async def naive() -> None:
        rows = await database.fetch("select account_id, notice_id, sealed_notice from pending_notice")
        await everybody.wait()
        for row in rows:
            claimed = notices.ClaimedNotice(
                account_id=row["account_id"],
                notice_id=row["notice_id"],
                sealed=row["sealed_notice"],
                attempt=1,
                expire_time=clock.now(),
            )
            await send(notices.open_notice(KEYS, claimed))
            await notices.delete(database, claimed)

    await asyncio.gather(*(naive() for _ in range(WORKERS)))
    assert max(send.taken.values()) > 1, "the negative control passed: this test would not notice a race"


async def test_a_notice_whose_worker_died_is_taken_over_when_its_lease_ends(
    database: Database, clock: FakeClock
) -> None:
    send = Sender()
    await outbox(database, clock, send).put(notice(clock))
    assert len(await outbox(database, clock, send).claim(10)) == 1, "and nothing more: the process is gone"
    assert await work_off(outbox(database, clock, send)) == 0
    clock.advance(timedelta(seconds=30))
    assert await work_off(outbox(database, clock, send)) == 1
    assert send.taken.total() == 1


async def test_it_is_tried_later_and_later_and_given_up_in_the_end(database: Database, clock: FakeClock) -> None:
    worker, began = outbox(database, clock, Sender(fails=away)), clock.now()
    await worker.put(notice(clock))
    tries = []
    with structlog.testing.capture_logs() as log:
        while await database.fetch_value("select exists (select from pending_notice)"):
            clock.advance(timedelta(seconds=1))
            if await work_off(worker):
                tries.append(clock.now() - began)
                clock.advance(POLICY.delay(len(tries)) - timedelta(seconds=1))
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (timedelta(seconds=1), timedelta(minutes=5))
    assert tries[-1] <= POLICY.lifetime
    (given_up,) = [each for each in log if each["event"] == "notice given up"]
    assert (given_up["log_level"], given_up["kind"]) == ("error", "NEW_SIGN_IN")
    assert "Ada's TV" not in str(log)
    assert "a-token" not in str(log)


@pytest.mark.parametrize("reason", [ErrorReason.NOT_FOUND, ErrorReason.INVALID_FIELD])
async def test_what_cannot_help_is_not_tried_again(database: Database, clock: FakeClock, reason: ErrorReason) -> None:
    worker = outbox(database, clock, Sender(fails=lambda: ServiceError(reason)))
    await worker.put(notice(clock))
    assert await work_off(worker) == 1
    assert await database.fetch_value("select count(*) from pending_notice") == 0


class Leaves:
    """Identity and challenge, as the outbox's sender sees them: an owner with an approver, a notice that is known."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def get_contacts(self, _: UUID, *, masked_only: bool) -> Contacts:
        """Who is told."""
        assert not masked_only
        owner, approver = (
            Contact(
                contact_id=uuid4(),
                channel=Channel.EMAIL,
                destination=f"{name}@example.com",
                masked_destination="",
                verified=True,
                approver=name == "carl",
            )
            for name in ("ada", "carl")
        )
        return Contacts(contacts=(owner, approver), language="en")

    async def notify(self, handed_over: Notice) -> None:
        """Challenge had it before."""
        self.told.append(handed_over.email)
        raise ServiceError(ErrorReason.REQUEST_ID_REUSED)


async def test_one_that_challenge_knows_already_is_done_and_the_approvers_hear_of_it(
    database: Database, clock: FakeClock
) -> None:
    leaves = Leaves()
    worker = outbox(database, clock, sender(leaves, leaves))  # type: ignore[arg-type]  # what it needs of them
    await worker.put(notice(clock))
    with structlog.testing.capture_logs() as log:
        await work_off(worker)
    assert log == []
    assert leaves.told == ["ada@example.com", "carl@example.com"]
    assert await database.fetch_value("select count(*) from pending_notice") == 0


async def test_one_that_waits_already_stays_as_it_is(database: Database, clock: FakeClock) -> None:
    send, first = Sender(), notice(clock)
    worker = outbox(database, clock, send)
    await worker.put(first)
    await worker.put(notice(clock, account_id=first.account_id, notice_id=first.notice_id, disown_token="another"))
    (claimed,) = await worker.claim(10)
    assert notices.open_notice(KEYS, claimed) == first


async def test_one_to_a_former_address_goes_there_and_to_nobody_else(database: Database, clock: FakeClock) -> None:
    leaves, former = Leaves(), Addressee(channel=Channel.EMAIL, destination="was@example.com", language="de")
    worker = outbox(database, clock, sender(leaves, leaves))  # type: ignore[arg-type]  # what it needs of them
    await worker.put(notice(clock, former=former, disown_token=""))
    assert "was@" not in repr(notice(clock, former=former))
    await work_off(worker)
    assert leaves.told == ["was@example.com"]


async def test_a_release_that_knows_no_former_addresses_leaves_such_a_notice_alone(
    database: Database, clock: FakeClock
) -> None:
    """It would tell the address that the account has by now: whoever took it over."""
    former = Addressee(channel=Channel.EMAIL, destination="was@example.com", language="de")
    told = notice(clock, former=former, disown_token="")
    worker = outbox(database, clock, Sender())
    await worker.put(told)
    (claimed,) = await worker.claim(10)
    bound = b"notice/" + claimed.account_id.bytes + claimed.notice_id.bytes
    assert "disown_token" not in json.loads(KEYS.open(claimed.sealed, bound)), "which that release reads"
    assert notices.open_notice(KEYS, claimed) == told


async def test_one_that_was_sealed_under_a_key_that_is_gone_is_given_up(database: Database, clock: FakeClock) -> None:
    send = Sender()
    await outbox(database, clock, send).put(notice(clock))
    with structlog.testing.capture_logs() as log:
        await work_off(outbox(database, clock, send, SealingKeys([b"n" * 32])))
    assert [each["event"] for each in log] == ["notice given up"]
    assert send.taken.total() == 0


async def test_one_that_breaks_its_worker_each_time_ends_with_its_lifetime(
    database: Database, clock: FakeClock
) -> None:
    async def breaks(_: OwnerNotice) -> None:
        raise RuntimeError("a fault of ours")

    worker = NoticeOutbox(database, clock=clock, keys=KEYS, send=breaks, policy=POLICY, idle=timedelta(seconds=1))
    await worker.put(notice(clock))
    with pytest.raises(RuntimeError):
        await work_off(worker)
    clock.advance(POLICY.lifetime)
    assert await work_off(worker) == 1
    assert await database.fetch_value("select count(*) from pending_notice") == 0

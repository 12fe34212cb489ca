"""Delivery: every code reaches its provider at least once or is reported, under one message id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smtp import SmtpStep
from tests.contract.challenge.challenge_world import (
    HOME_PHONE,
    OWNER,
    PHONE,
    TEXT,
    StartReplica,
    World,
    code_in,
    requester,
)

_SEALED = "select count(*) from delivery where sealed_destination is not null"


@pytest_asyncio.fixture
async def idle(world: World, start_replica: StartReplica) -> World:
    """The same world where nobody sends but the test itself."""
    await world.replica.stop()
    replica = await start_replica(world.settings, workers=False)
    return replace(world, replica=replica, database=replica.parts.context.database)


async def until(world: World, challenge: pb.Challenge, done: Callable[[pb.Delivery], bool]) -> pb.Delivery:
    """The challenge's first delivery once it is as wanted, as a watcher sees it."""
    request = pb.WatchChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
    async with asyncio.timeout(10):
        async for shown in world.gateway.WatchChallenge(request):
            delivery: pb.Delivery = shown.challenge.deliveries[0]
            if done(delivery):
                return delivery
    raise AssertionError("the challenge ended before")


async def work_once(world: World) -> int:
    """Send what is due; how many messages were taken."""
    outbox = world.replica.parts.outbox
    claimed = await outbox.claim(100)
    await asyncio.gather(*(outbox.handle(each) for each in claimed))
    return len(claimed)


async def test_a_mail_is_accepted_and_its_destination_forgotten(world: World) -> None:
    challenge = await world.create()
    delivery = await until(world, challenge, lambda each: each.state == pb.DELIVERY_STATE_ACCEPTED)
    assert delivery.attempt_count == 1
    assert await world.database.fetch_value(_SEALED) == 0


async def test_a_refusal_for_now_is_tried_again_with_the_same_code_and_id(world: World) -> None:
    world.inbox.reply_next("451 4.3.0 come again", at=SmtpStep.DATA)
    challenge = await world.create()
    failed = await until(
        world, challenge, lambda each: each.attempt_count == 1 and each.state == pb.DELIVERY_STATE_QUEUED
    )
    assert failed.attempt_count == 1
    assert not world.inbox.mails
    while not world.inbox.mails:
        world.clock.advance(timedelta(seconds=20))
        await asyncio.sleep(0.05)
    code = await world.code_of(challenge)
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_a_refusal_for_good_is_a_bounce_and_not_tried_again(world: World) -> None:
    world.inbox.reply_next("550 5.1.1 no such mailbox", at=SmtpStep.RCPT)
    challenge = await world.create()
    bounced = await until(world, challenge, lambda each: each.state == pb.DELIVERY_STATE_BOUNCED)
    assert bounced.attempt_count == 1
    assert await world.database.fetch_value(_SEALED) == 0
    assert not world.inbox.mails


async def test_a_worker_killed_between_sending_and_marking_leaves_the_same_code_to_the_next(idle: World) -> None:
    challenge = await idle.create()
    outbox = idle.replica.parts.outbox
    [claimed] = await outbox.claim(10)
    async with idle.database.transaction() as lock:
        await lock.execute("select delivery_id from delivery for update")
        killed = asyncio.create_task(outbox.handle(claimed))
        await idle.inbox.wait_for(OWNER)
        killed.cancel()
        await asyncio.wait([killed])
    assert (await idle.get(challenge)).deliveries[0].state == pb.DELIVERY_STATE_QUEUED
    assert await work_once(idle) == 0, "the dead worker's lease still holds"

    idle.clock.advance(timedelta(seconds=idle.settings.delivery_lease_seconds))
    assert await work_once(idle) == 1
    first, second = idle.inbox.mails
    assert code_in(first.text) == code_in(second.text)
    assert first.message_id == second.message_id
    delivery = (await idle.get(challenge)).deliveries[0]
    assert (delivery.state, delivery.attempt_count) == (pb.DELIVERY_STATE_ACCEPTED, 2)


async def test_a_provider_that_never_answers_ends_in_expired_when_the_code_does(idle: World) -> None:
    await idle.inbox.stop()
    challenge = await idle.create()
    while (delivery := (await idle.get(challenge)).deliveries[0]).state == pb.DELIVERY_STATE_QUEUED:
        await work_once(idle)
        idle.clock.advance(timedelta(seconds=15))
    assert delivery.state == pb.DELIVERY_STATE_EXPIRED
    assert delivery.attempt_count > 20
    assert idle.clock.now().timestamp() <= challenge.expire_time.ToSeconds() + 15
    assert await idle.database.fetch_value(_SEALED) == 0


async def test_the_code_of_a_challenge_that_is_over_is_not_sent(idle: World) -> None:
    superseded = await idle.create()
    rejected = await idle.create(requester=requester("tv-2"))
    await idle.decide(rejected, HOME_PHONE, approve=False)
    alive = await idle.create()
    assert await work_once(idle) == 3
    assert [mail.message_id.strip("<>").partition("@")[0] for mail in idle.inbox.mails] == [
        alive.deliveries[0].delivery_id
    ]
    for challenge in (superseded, rejected):
        assert (await idle.get(challenge)).deliveries[0].state == pb.DELIVERY_STATE_EXPIRED


async def test_two_workers_share_the_queue_without_sending_twice(idle: World) -> None:
    for _ in range(5):
        for number in range(4):
            await idle.create(
                account_id=str(uuid4()), requester=requester(f"tv-{number}"), destination=f"o{number}@mailbox.example"
            )
    taken = await asyncio.gather(*(work_once(idle) for _ in range(4)))
    assert sum(taken) == len(idle.inbox.mails) == 20
    assert len({mail.message_id for mail in idle.inbox.mails}) == 20


async def test_a_throttled_text_comes_after_all(world: World) -> None:
    world.smsc.throttle_next()
    challenge = await world.create(channel=TEXT, destination=PHONE)
    while not world.smsc.texts:
        world.clock.advance(timedelta(seconds=5))
        await asyncio.sleep(0.05)
    code = code_in(world.smsc.texts[0].text)
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_a_receipt_says_what_became_of_a_message_and_the_first_word_stays(world: World) -> None:
    challenge = await world.create()
    delivery = await until(world, challenge, lambda each: each.state == pb.DELIVERY_STATE_ACCEPTED)
    report = pb.ReportReceiptRequest(
        account_id=challenge.account_id, delivery_id=delivery.delivery_id, state=pb.DELIVERY_STATE_DELIVERED
    )
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.ReportReceipt, report)
    assert caught.value.reason is ErrorReason.CALLER_NOT_ALLOWED
    assert (await call(world.replica.operator.ReportReceipt, report)).delivery.state == pb.DELIVERY_STATE_DELIVERED
    report.state = pb.DELIVERY_STATE_BOUNCED
    assert (await call(world.replica.operator.ReportReceipt, report)).delivery.state == pb.DELIVERY_STATE_DELIVERED
    report.delivery_id = str(uuid4())
    with pytest.raises(ServiceError) as caught:
        await call(world.replica.operator.ReportReceipt, report)
    assert caught.value.reason is ErrorReason.NOT_FOUND


async def test_expired_challenges_lose_their_codes_by_themselves(world: World) -> None:
    await world.create()
    world.clock.advance(timedelta(minutes=10))
    kept = "select count(*) from challenge where code_hash is not null or sealed_code is not null"
    async with asyncio.timeout(10):
        while await world.database.fetch_value(kept):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)
    assert await world.database.fetch_value("select state from challenge") == "expired"


@pytest.fixture
def changed_settings() -> dict[str, object]:
    """A brisk sweep, and room for the tests with many messages."""
    return {"sweep_seconds": 0.1, "sends_per_destination": 20, "delivery_longest_retry_seconds": 15}


class TestWithThreeAttempts:
    """A message that fails by itself does not fail for ever."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Three."""
        return {"delivery_max_attempts": 3}

    async def test_a_message_that_cannot_be_made_is_given_up(self, idle: World) -> None:
        challenge = await idle.create()
        await idle.database.execute("update delivery set kind = 'nonsense'")
        for _ in range(3):
            assert await work_once(idle) == 1
            idle.clock.advance(timedelta(seconds=15))
        assert await work_once(idle) == 0
        delivery = (await idle.get(challenge)).deliveries[0]
        assert (delivery.state, delivery.attempt_count) == (pb.DELIVERY_STATE_EXPIRED, 3)


class TestWithoutProviders:
    """A channel that is switched off."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Neither mail nor texts."""
        return {"smtp_url": "", "text_url": ""}

    @pytest.mark.parametrize("channel", ["email", "text"])
    async def test_its_challenges_are_refused(self, world: World, channel: str) -> None:
        changes = {} if channel == "email" else {"channel": TEXT, "destination": PHONE}
        with pytest.raises(ServiceError) as caught:
            await world.create(**changes)
        assert caught.value.reason is ErrorReason.CHANNEL_UNAVAILABLE
        assert caught.value.metadata == {"channel": channel}

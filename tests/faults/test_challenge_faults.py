"""What becomes of codes when a worker, a provider or the database goes away in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from libs.persistence.database import Database
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.ids import Uuid7Ids
from libs.runtime.keys import new_secret
from libs.testing.fault_proxy import FaultProxy
from libs.testing.plugin import ServiceDatabaseFactory
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox, SmtpStep
from services.challenge.assembly import Parts, ReceiptTaker, build_parts, build_senders, running_workers
from services.challenge.domain.challenge import ChallengeView, Channel, DeliveryState, Purpose, Requester
from services.challenge.domain.codes import SecretRandomness
from services.challenge.domain.verification import VerificationResult
from services.challenge.settings import ChallengeSettings
from services.challenge.use_cases.create_challenge import CreateChallenge, create_challenge
from services.challenge.use_cases.verify_challenge import VerifyChallenge, verify_challenge
from tests.contract.challenge.challenge_world import OWNER, PHONE, code_in
from tests.messages import renderer_of

_LEASE = timedelta(seconds=60)


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[SmtpInbox]:
    """The owner's mail server."""
    async with SmtpInbox() as server:
        yield server


@pytest_asyncio.fixture
async def smsc() -> AsyncIterator[Smsc]:
    """The owner's text provider, which sends receipts."""
    async with Smsc(receipts=True) as server:
        yield server


@pytest.fixture
def dsn_of_database(service_database: ServiceDatabaseFactory) -> Callable[[], Awaitable[str]]:
    """Makes a database."""

    async def make() -> str:
        return (await service_database("challenge")).app

    return make


@asynccontextmanager
async def service(dsn: str, clock: FakeClock, inbox: SmtpInbox, smsc: Smsc, **changes: Any) -> AsyncIterator[Parts]:
    """The service's parts without its server; nobody sends but the test."""
    fields: dict[str, Any] = {
        "database_url": SecretStr(dsn),
        "smtp_url": SecretStr(inbox.url),
        "text_url": SecretStr(smsc.url),
        "code_pepper": SecretStr(new_secret()),
        "sealing_keys": SecretStr(new_secret()),
        "delivery_poll_seconds": 0.05,
        "drain_seconds": 1,
    }
    settings = ChallengeSettings(**(fields | changes))
    database = await Database.connect(dsn, application_name="challenge", pool_size=10)
    receipts = ReceiptTaker()
    senders = build_senders(settings, clock, receipts)
    try:
        yield build_parts(
            settings,
            database=database,
            clock=clock,
            ids=Uuid7Ids(),
            randomness=SecretRandomness(),
            senders=senders,
            receipts=receipts,
            renderer=renderer_of(settings),
        )
    finally:
        await senders.close()
        await database.close()


async def ask(parts: Parts, channel: Channel = Channel.EMAIL) -> ChallengeView:
    """Ask for a code."""
    account = uuid4()
    command = CreateChallenge(
        request_id=uuid4(),
        account_id=account,
        requester=Requester(device_id="tv", device_kind="tv", device_platform="tizen", device_name="", country_code=""),
        purpose=Purpose.CONFIRM_HOUSEHOLD,
        channel=channel,
        destination=OWNER if channel is Channel.EMAIL else PHONE,
        language="",
        ip_address="",
        session_id=None,
        body=account.bytes,
    )
    return await create_challenge(command, context=parts.context)


async def look(parts: Parts, view: ChallengeView) -> ChallengeView:
    """The challenge as it stands."""
    return await parts.context.view(view.challenge.account_id, view.challenge.challenge_id)


async def redeem(parts: Parts, view: ChallengeView, code: str) -> VerificationResult:
    """Enter a code."""
    command = VerifyChallenge(
        request_id=uuid4(),
        account_id=view.challenge.account_id,
        challenge_id=view.challenge.challenge_id,
        device_id="tv",
        session_id=None,
        ip_address="",
        code=code,
        body=b"",
    )
    return (await verify_challenge(command, context=parts.context)).result


async def work_once(parts: Parts) -> None:
    """Send what is due."""
    for claimed in await parts.outbox.claim(10):
        await parts.outbox.handle(claimed)


async def killed_after_claiming(parts: Parts, inbox: SmtpInbox) -> None:
    """Die before anything was sent."""
    assert len(await parts.outbox.claim(10)) == 1


async def killed_while_sending(parts: Parts, inbox: SmtpInbox) -> None:
    """Die while the mail server is at it."""
    inbox.hang_next()
    await _killed_while(parts, inbox.wait_until_hanging())
    inbox.release()


async def _killed_while(parts: Parts, moment: Awaitable[None]) -> None:
    [claimed] = await parts.outbox.claim(10)
    task = asyncio.create_task(parts.outbox.handle(claimed))
    await moment
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("die", [killed_after_claiming, killed_while_sending])
async def test_a_worker_that_dies_leaves_the_same_code_under_the_same_id_to_the_next(
    die: Callable[[Parts, SmtpInbox], Awaitable[None]],
    dsn_of_database: Callable[[], Awaitable[str]],
    clock: FakeClock,
    inbox: SmtpInbox,
    smsc: Smsc,
) -> None:
    async with service(await dsn_of_database(), clock, inbox, smsc) as parts:
        view = await ask(parts)
        await die(parts, inbox)
        assert (await look(parts, view)).deliveries[0].state is DeliveryState.QUEUED
        await work_once(parts)
        assert (await look(parts, view)).deliveries[0].attempt_count == 1, "the dead worker's lease still holds"
        clock.advance(_LEASE)
        await work_once(parts)
        assert (await look(parts, view)).deliveries[0].state is DeliveryState.ACCEPTED
        assert len({mail.message_id for mail in inbox.mails}) == 1
        assert len({code_in(mail.text) for mail in inbox.mails}) == 1
        assert await redeem(parts, view, code_in(inbox.mails[-1].text)) is VerificationResult.ACCEPTED


async def test_a_connection_that_drops_after_data_sends_the_same_mail_once_more(
    dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    async with service(await dsn_of_database(), clock, inbox, smsc) as parts:
        view = await ask(parts)
        inbox.drop_after_data(keep=True)
        await work_once(parts)
        assert (await look(parts, view)).deliveries[0].state is DeliveryState.QUEUED
        clock.advance(timedelta(seconds=30))
        await work_once(parts)
        first, second = inbox.mails
        assert (first.message_id, code_in(first.text)) == (second.message_id, code_in(second.text))
        assert (await look(parts, view)).deliveries[0].state is DeliveryState.ACCEPTED


@pytest.mark.parametrize("fault", ["down", "hangs", "busy"])
async def test_a_mail_server_in_trouble_is_left_for_the_second_one(
    fault: str, dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    async with SmtpInbox() as other:
        changes = {"smtp_fallback_url": SecretStr(other.url), "provider_timeout_seconds": 1}
        async with service(await dsn_of_database(), clock, inbox, smsc, **changes) as parts:
            view = await ask(parts)
            if fault == "down":
                await inbox.stop()
            elif fault == "hangs":
                inbox.hang_next()
            else:
                inbox.reply_next("421 4.3.2 too many connections", at=SmtpStep.MAIL)
            await work_once(parts)
            inbox.release()
            [delivery] = (await look(parts, view)).deliveries
            assert (delivery.state, delivery.provider) == (DeliveryState.ACCEPTED, "email-2")
            assert await redeem(parts, view, code_in(other.mails[0].text)) is VerificationResult.ACCEPTED


async def test_a_receipt_before_the_answer_to_the_text_ends_in_delivered(
    dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    async with service(await dsn_of_database(), clock, inbox, smsc) as parts:
        view = await ask(parts, Channel.TEXT)
        await work_once(parts)
        async with asyncio.timeout(5):
            while (await look(parts, view)).deliveries[0].state is not DeliveryState.DELIVERED:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        clock.advance(timedelta(minutes=2))
        assert not (await look(parts, view)).other_channel_advised


async def test_a_poison_job_does_not_keep_the_others_from_being_sent_and_is_listed_when_given_up(
    dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    async with service(await dsn_of_database(), clock, inbox, smsc, delivery_max_attempts=2) as parts:
        poison = await ask(parts)
        await parts.context.database.execute("update delivery set kind = 'nonsense'")
        fine = await ask(parts)
        for _ in range(3):
            await work_once(parts)
            clock.advance(timedelta(seconds=60))
        assert (await look(parts, fine)).deliveries[0].state is DeliveryState.ACCEPTED
        [given_up] = (await look(parts, poison)).deliveries
        assert (given_up.state, given_up.attempt_count) == (DeliveryState.EXPIRED, 2)
        assert given_up.last_failure.startswith("fault: ")


async def test_when_the_database_goes_away_nothing_is_made_and_what_was_made_is_sent_when_it_is_back(
    dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    dsn = await dsn_of_database()
    parsed = urlsplit(dsn)
    async with FaultProxy(parsed.hostname or "", parsed.port or 0) as proxy:
        through = dsn.replace(f"{parsed.hostname}:{parsed.port}", f"{proxy.host}:{proxy.port}")
        async with service(through, clock, inbox, smsc) as parts:
            view = await ask(parts)
            await proxy.refuse()
            await proxy.reset()
            with pytest.raises(ServiceError) as caught:
                await ask(parts)
            assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE
            with pytest.raises(ServiceError):
                await redeem(parts, view, "000000")
            async with running_workers(parts):
                await asyncio.sleep(0)
                assert not inbox.mails
                await proxy.resume()
                mail = await inbox.wait_for(OWNER, timeout=20)
            assert await redeem(parts, view, code_in(mail.text)) is VerificationResult.ACCEPTED
            assert await parts.context.database.fetch_value("select count(*) from challenge") == 1


async def test_a_refusal_for_now_is_repeated_and_one_for_good_is_not(
    dsn_of_database: Callable[[], Awaitable[str]], clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> None:
    async with service(await dsn_of_database(), clock, inbox, smsc) as parts:
        for reply, states in (
            ("451 4.7.1 greylisted", [DeliveryState.QUEUED, DeliveryState.ACCEPTED]),
            ("550 5.1.1 nobody", [DeliveryState.BOUNCED, DeliveryState.BOUNCED]),
        ):
            inbox.reply_next(reply, at=SmtpStep.RCPT)
            view = await ask(parts)
            for state in states:
                await work_once(parts)
                assert (await look(parts, view)).deliveries[0].state is state
                clock.advance(timedelta(seconds=60))

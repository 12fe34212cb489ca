"""Receipts of texts, the other channel that is offered where none comes, and messages that were given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smtp import SmtpStep
from services.challenge.delivery.port import Receipt, ReceiptState
from services.challenge.storage.provider_messages import ProviderMessageStore
from services.challenge.use_cases.take_receipt import take_receipt
from tests.contract.challenge.challenge_world import OWNER, PHONE, TEXT, World, requester

# Known under its provider's id as well, which is written later: a receipt between the two is kept, and applied then.
_SENT = "select provider, provider_reference from delivery join provider_message using (account_id, delivery_id)"


async def a_text(world: World) -> tuple[pb.Challenge, Receipt]:
    """A code that the provider took, and the receipt that says that it arrived."""
    challenge = await world.create(channel=TEXT, destination=PHONE)
    await world.smsc.wait_for(PHONE)
    async with asyncio.timeout(10):
        while (row := await world.database.fetch_row(_SENT)) is None:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)
    receipt = Receipt(
        provider=row["provider"], provider_reference=row["provider_reference"], state=ReceiptState.DELIVERED
    )
    return challenge, receipt


async def take(world: World, receipt: Receipt) -> None:
    """Hand a receipt in, as a sender does."""
    await take_receipt(receipt, context=world.replica.parts.context)


async def test_a_receipt_finds_its_message_by_the_providers_id(world: World) -> None:
    challenge, receipt = await a_text(world)
    await take(world, receipt)
    [delivery] = (await world.get(challenge)).deliveries
    assert delivery.state == pb.DELIVERY_STATE_DELIVERED
    assert delivery.provider == receipt.provider


async def test_a_receipt_for_nothing_of_ours_changes_nothing(world: World) -> None:
    challenge, receipt = await a_text(world)
    await take(world, Receipt(provider="another", provider_reference=receipt.provider_reference, state=receipt.state))
    await take(world, Receipt(provider=receipt.provider, provider_reference="unheard", state=receipt.state))
    assert (await world.get(challenge)).deliveries[0].state == pb.DELIVERY_STATE_ACCEPTED


async def test_a_receipt_that_comes_before_the_answer_is_kept_for_it(world: World) -> None:
    context = world.replica.parts.context
    delivery_id, reference = uuid4(), context.keys.reference_hash("text-1", "early")
    early = Receipt(provider="text-1", provider_reference="early", state=ReceiptState.BOUNCED)
    await take(world, early)
    await take(world, Receipt(provider="text-1", provider_reference="early", state=ReceiptState.DELIVERED))
    store = ProviderMessageStore(context.database)
    assert await store.mark(reference, world.account, delivery_id, world.clock.now()) == "bounced"


async def test_where_no_receipt_comes_the_other_channel_is_offered_and_watchers_hear_of_it(world: World) -> None:
    challenge, _ = await a_text(world)
    assert not (await world.get(challenge)).other_channel_advised
    request = pb.WatchChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
    stream = world.gateway.WatchChallenge(request)
    async with asyncio.timeout(10):
        shown = await anext(aiter(stream))
        assert not shown.challenge.other_channel_advised
        world.clock.advance(timedelta(seconds=60))
        async for shown in stream:
            if shown.challenge.other_channel_advised:
                break
    stream.cancel()
    assert (await world.get(challenge)).other_channel_advised


async def test_a_text_that_arrived_is_no_reason_to_offer_another(world: World) -> None:
    challenge, receipt = await a_text(world)
    await take(world, receipt)
    world.clock.advance(timedelta(minutes=5))
    assert not (await world.get(challenge)).other_channel_advised


async def test_a_bounce_offers_the_other_channel_at_once(world: World) -> None:
    world.inbox.reply_next("550 5.1.1 no such mailbox", at=SmtpStep.RCPT)
    challenge = await world.create()
    async with asyncio.timeout(10):
        while not (shown := await world.get(challenge)).other_channel_advised:  # noqa: ASYNC110 - polled on purpose
            await asyncio.sleep(0.02)
    assert shown.deliveries[0].state == pb.DELIVERY_STATE_BOUNCED
    assert shown.deliveries[0].last_failure == "smtp 550 5.1.1 at RCPT"


async def test_messages_that_were_given_up_are_listed_for_operators_with_why(world: World) -> None:
    world.inbox.reply_next("550 5.1.1 no such mailbox", at=SmtpStep.RCPT)
    first = await world.create()
    async with asyncio.timeout(10):
        while (await world.get(first)).deliveries[0].state != pb.DELIVERY_STATE_BOUNCED:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await world.create(requester=requester("tv-2"), destination="fine@mailbox.example")
    answer = await call(world.replica.operator.ListDeadLetters, pb.ListDeadLettersRequest())
    [letter] = answer.dead_letters
    assert (letter.account_id, letter.kind) == (first.account_id, "code_confirm_household")
    assert letter.delivery.last_failure == "smtp 550 5.1.1 at RCPT"
    assert OWNER not in str(answer)
    later = Timestamp()
    later.FromDatetime(world.clock.now() + timedelta(seconds=1))
    answer = await call(world.replica.operator.ListDeadLetters, pb.ListDeadLettersRequest(since_time=later))
    assert not answer.dead_letters
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.ListDeadLetters, pb.ListDeadLettersRequest())
    assert caught.value.reason is ErrorReason.CALLER_NOT_ALLOWED

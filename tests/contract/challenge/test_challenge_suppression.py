"""Notices that are not sent: to dead addresses for a while, to unwilling people by kind. Codes always are."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from email import message_from_string
from typing import Final

import pytest

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smtp import ReceivedMail, SmtpStep
from tests.contract.challenge.challenge_world import OWNER, World
from tests.contract.challenge.test_challenge_notices import notice

_LINK: Final = re.compile(r"<https://hearthgate\.example/unsubscribe\?token=([A-Za-z0-9_-]+)>")
_STATE: Final = "select state from delivery where delivery_id = $1"

_FAILED: Final = "select count(*) from delivery where last_failure <> ''"


async def tell(world: World, **changes: object) -> pb.Delivery:
    """Send a notice."""
    answer: pb.NotifyResponse = await call(world.gateway.Notify, notice(world, **changes))
    return answer.delivery


async def ended(world: World, delivery: pb.Delivery) -> str:
    """What became of a message."""
    async with asyncio.timeout(10):
        while (state := await world.database.fetch_value(_STATE, delivery.delivery_id)) == "queued":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return str(state)


def token_in(mail: ReceivedMail) -> str:
    """What the mail's one-click link carries."""
    match = _LINK.search(str(message_from_string(mail.raw.decode())["List-Unsubscribe"]))
    assert match is not None
    return match[1]


async def bounce(world: World, reply: str) -> str:
    """Send a notice that the mail server refuses; what became of it."""
    world.inbox.reply_next(reply, at=SmtpStep.RCPT)
    return await ended(world, await tell(world))


async def test_after_a_hard_bounce_no_notice_goes_there_until_the_pause_is_over(world: World) -> None:
    assert await bounce(world, "550 5.1.1 no such mailbox") == "bounced"
    suppressed = await tell(world)
    assert suppressed.state == pb.DELIVERY_STATE_SUPPRESSED
    assert suppressed.last_failure == "hard_bounce"
    assert (await tell(world, destination="other@mailbox.example")).state == pb.DELIVERY_STATE_QUEUED
    world.clock.advance(timedelta(days=14))
    assert await ended(world, await tell(world)) == "accepted"


@pytest.mark.parametrize("reply", ["550 5.7.1 blocked by policy", "554 5.7.26 unauthenticated", "452 4.2.2 full"])
async def test_a_policy_bounce_or_a_full_mailbox_suppresses_nothing(world: World, reply: str) -> None:
    world.inbox.reply_next(reply, at=SmtpStep.RCPT)
    await tell(world)
    async with asyncio.timeout(10):
        while not await world.database.fetch_value(_FAILED):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await tell(world)).state == pb.DELIVERY_STATE_QUEUED


async def test_a_code_goes_out_all_the_same_and_heals_the_address_when_it_is_taken(world: World) -> None:
    assert await bounce(world, "550 5.1.1 no such mailbox") == "bounced"
    challenge = await world.create()
    code = await world.code_of(challenge)
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED
    async with asyncio.timeout(10):
        while (await tell(world)).state == pb.DELIVERY_STATE_SUPPRESSED:  # noqa: ASYNC110 - marked after the answer
            await asyncio.sleep(0.02)


async def test_one_click_ends_one_kind_of_notice_to_one_address(world: World) -> None:
    await tell(world)
    mail = await world.inbox.wait_for(OWNER)
    assert message_from_string(mail.raw.decode())["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _ in range(2):
        answer = await call(world.replica.operator.Unsubscribe, pb.UnsubscribeRequest(token=token_in(mail)))
        assert answer.kind == pb.NOTICE_KIND_NEW_SIGN_IN
    suppressed = await tell(world, destination=OWNER.upper())
    assert (suppressed.state, suppressed.last_failure) == (pb.DELIVERY_STATE_SUPPRESSED, "unsubscribed")
    assert (await tell(world, kind=pb.NOTICE_KIND_PASSWORD_CHANGED)).state == pb.DELIVERY_STATE_QUEUED
    assert (await tell(world, destination="other@mailbox.example")).state == pb.DELIVERY_STATE_QUEUED
    await world.create()


async def test_a_code_has_no_link_to_end_codes(world: World) -> None:
    await world.create()
    mail = await world.inbox.wait_for(OWNER)
    assert message_from_string(mail.raw.decode())["List-Unsubscribe"] is None


@pytest.mark.parametrize("spoil", ["", "x", "altered"])
async def test_a_token_that_is_none_of_ours_is_refused(world: World, spoil: str) -> None:
    await tell(world)
    token = token_in(await world.inbox.wait_for(OWNER))
    token = (
        ("A" if token[20] != "A" else "B").join([token[:20], token[21:]]) if spoil == "altered" else token[:5] + spoil
    )
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.Unsubscribe, pb.UnsubscribeRequest(token=token))
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert [each.field for each in caught.value.fields] == ["token"]

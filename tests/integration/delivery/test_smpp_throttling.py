"""A throttling SMSC is left alone by the whole sender for a while."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, TemporaryFailure
from services.challenge.delivery.smpp import SmppTextSender
from tests.integration.delivery.messages import a_text


def a_sender(
    smsc: Smsc, *, pause: float, sessions: int = 2, window: int = 10, send_timeout: float = 30.0
) -> SmppTextSender:
    return SmppTextSender(
        parse_smpp_url(smsc.url),
        sessions=sessions,
        window=window,
        send_timeout=send_timeout,
        first_pause=timedelta(seconds=pause),
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [(CommandStatus.THROTTLED, "smpp 0x58 throttled"), (CommandStatus.QUEUE_FULL, "smpp 0x14 queue full")],
)
async def test_a_throttled_text_is_temporary_and_says_when_to_come_back(
    smsc: Smsc, status: CommandStatus, reason: str
) -> None:
    sender = a_sender(smsc, pause=20)
    smsc.reject_next(status)
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == reason
    assert failure.retry_after is not None
    assert timedelta(seconds=10) < failure.retry_after <= timedelta(seconds=20)
    await sender.close()


async def test_during_a_pause_nothing_is_submitted_over_any_session(smsc: Smsc) -> None:
    sender = a_sender(smsc, pause=30, send_timeout=300)
    smsc.throttle_next()
    await sender.send(a_text())
    await smsc.wait_for_binds(2)
    held = [asyncio.create_task(sender.send(a_text(message_id=f"m{number}"))) for number in range(4)]
    done, _ = await asyncio.wait(held, timeout=0.1)
    assert not done
    assert smsc.position == 0
    for each in held:
        each.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    await sender.close()


async def test_a_text_that_cannot_outwait_the_pause_fails_at_once(smsc: Smsc) -> None:
    sender = a_sender(smsc, pause=60, sessions=1, window=1, send_timeout=30)
    smsc.throttle_next()
    # The pause lasts no longer than a text may, but begins after the second one's time began.
    _, second = await asyncio.gather(sender.send(a_text()), sender.send(a_text(message_id="second")))
    assert isinstance(second, TemporaryFailure)
    assert second.reason == "the text provider throttles"
    assert second.retry_after is not None
    assert timedelta(seconds=10) < second.retry_after <= timedelta(seconds=30)
    await sender.close()


async def test_texts_that_were_held_go_out_after_the_pause(smsc: Smsc) -> None:
    sender = a_sender(smsc, pause=0.05)
    smsc.throttle_next()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=f"m{number}")) for number in range(50)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(smsc.texts) == 50
    await sender.close()


async def test_many_texts_at_once_get_through_a_provider_that_throttles_again_and_again(smsc: Smsc) -> None:
    sender = a_sender(smsc, pause=0.01, window=4)
    smsc.throttle_next(6)

    async def until_accepted(number: int) -> int:
        tries = 1
        while not isinstance(await sender.send(a_text(message_id=f"m{number}", text=f"text {number}")), Accepted):
            tries += 1
        return tries

    tries = await asyncio.gather(*(until_accepted(number) for number in range(30)))
    assert sum(tries) == 30 + 6
    assert {text.text for text in smsc.texts} == {f"text {number}" for number in range(30)}
    await sender.close()


async def test_a_pause_holds_the_parts_of_a_text_under_way(smsc: Smsc) -> None:
    sender = a_sender(smsc, pause=0.02, sessions=1)
    smsc.reject_next(CommandStatus.OK)
    smsc.throttle_next()
    long, short = await asyncio.gather(
        sender.send(a_text(message_id="long", text="x" * 500)), sender.send(a_text(message_id="short"))
    )
    assert {type(long), type(short)} == {Accepted, TemporaryFailure}
    await sender.close()


async def test_a_provider_with_a_limit_refuses_few_of_many_texts(smsc: Smsc) -> None:
    """What waited for the end of a pause is spaced; all at once, a pause would cost each text several refusals."""
    sender = a_sender(smsc, pause=0.2)
    limit = smsc.limit_speed(50)
    room = asyncio.Semaphore(16)

    async def until_accepted(number: int) -> None:
        async with room:
            while not isinstance(await sender.send(a_text(message_id=f"m{number}", text=f"text {number}")), Accepted):
                pass

    await asyncio.gather(*(until_accepted(number) for number in range(150)))
    assert {text.text for text in smsc.texts} == {f"text {number}" for number in range(150)}
    assert 0 < limit.refused < 75
    await sender.close()


async def test_a_text_behind_more_others_than_go_out_in_its_time_fails_at_once(smsc: Smsc) -> None:
    """It says when to come back, and waits for nothing that cannot come in time."""
    sender = a_sender(smsc, pause=4, send_timeout=10)
    smsc.throttle_next()
    await sender.send(a_text())
    behind = [asyncio.create_task(sender.send(a_text(message_id=f"m{number}"))) for number in range(8)]
    done, waiting = await asyncio.wait(behind, return_when=asyncio.FIRST_COMPLETED)
    assert waiting
    for each in done:
        failure = each.result()
        assert isinstance(failure, TemporaryFailure)
        assert failure.reason == "the text provider throttles"
        assert failure.retry_after is not None
        assert failure.retry_after > timedelta(seconds=4)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*behind, return_exceptions=True)
    await sender.close()

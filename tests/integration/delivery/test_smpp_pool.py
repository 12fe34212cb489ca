"""Several SMPP sessions to one SMSC, of which some are lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, TemporaryFailure
from services.challenge.delivery.smpp import SmppTextSender
from tests.integration.delivery.messages import NUMBER, WORDS, a_text
from tests.integration.delivery.receipts_kept import KeptReceipts


def a_sender(
    smsc: Smsc, *, sessions: int = 2, window: int = 10, backoff: float = 0.0, bind_timeout: float = 5.0
) -> SmppTextSender:
    return SmppTextSender(
        parse_smpp_url(smsc.url),
        sessions=sessions,
        window=window,
        bind_timeout=bind_timeout,
        first_backoff=timedelta(seconds=backoff),
        on_receipt=KeptReceipts(),
    )


async def test_every_session_is_bound_from_the_first_text_on(smsc: Smsc) -> None:
    sender = a_sender(smsc, sessions=3)
    assert smsc.sessions_bound == 0
    assert isinstance(await sender.send(a_text()), Accepted)
    await smsc.wait_for_binds(3)
    assert smsc.sessions_bound == 3
    await sender.close()
    assert smsc.binds_accepted == 3


async def test_a_started_sender_binds_without_a_text(smsc: Smsc) -> None:
    sender = a_sender(smsc)
    sender.start()
    sender.start()
    await smsc.wait_for_binds(2)
    await sender.close()
    assert smsc.binds_accepted == 2


async def test_texts_go_over_the_live_session_while_the_other_is_down(smsc: Smsc) -> None:
    sender = a_sender(smsc, bind_timeout=0.3)
    sender.start()
    await smsc.wait_for_binds(2)
    smsc.refuse_binds()
    smsc.drop_session()
    outcomes = [await sender.send(a_text(message_id=f"m{number}")) for number in range(10)]
    # The first may have been given to the session that was just lost.
    assert all(isinstance(outcome, Accepted) for outcome in outcomes[1:])
    assert smsc.sessions_bound == 1
    await sender.close()


async def test_a_lost_session_is_bound_again_without_a_text(smsc: Smsc) -> None:
    sender = a_sender(smsc)
    sender.start()
    await smsc.wait_for_binds(2)
    smsc.drop_session()
    await smsc.wait_for_binds(3)
    smsc.drop_session()
    await smsc.wait_for_binds(4)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_refused_bind_is_tried_again_until_it_is_accepted(smsc: Smsc) -> None:
    smsc.refuse_binds(CommandStatus.ALREADY_BOUND, times=2)
    sender = a_sender(smsc, bind_timeout=0.1)
    sender.start()
    await smsc.wait_for_binds(2)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_when_every_bind_failed_lately_sends_fail_at_once_and_say_how_long_to_wait(smsc: Smsc) -> None:
    await smsc.stop()
    sender = a_sender(smsc, backoff=60)
    reasons = [await sender.send(a_text()) for _ in range(3)]
    await smsc.start()
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "the text provider could not be bound lately"
    assert failure.retry_after is not None
    assert failure.retry_after > timedelta(seconds=50)
    assert all(isinstance(reason, TemporaryFailure) for reason in reasons)
    assert smsc.binds_accepted == 0
    await sender.close()


async def test_more_texts_than_fit_into_the_windows_wait_their_turn(smsc: Smsc) -> None:
    sender = a_sender(smsc, window=2)
    texts = [f"{number}".ljust(300, "x") for number in range(60)]
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=text[:3], text=text)) for text in texts))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert {text.text for text in smsc.texts} == set(texts)
    await sender.close()


async def test_closing_lets_what_is_under_way_end_and_ends_what_waits(smsc: Smsc) -> None:
    sender = a_sender(smsc, sessions=1, window=1)
    assert isinstance(await sender.send(a_text()), Accepted)
    under_way = [asyncio.create_task(sender.send(a_text(message_id=f"m{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    await sender.close()
    outcomes = await asyncio.gather(*under_way)
    assert isinstance(outcomes[0], Accepted)
    assert {type(outcome) for outcome in outcomes} <= {Accepted, TemporaryFailure}
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    assert smsc.sessions_bound == 0


async def test_closing_while_the_smsc_is_away_ends(smsc: Smsc) -> None:
    sender = a_sender(smsc, backoff=60)
    sender.start()
    await smsc.wait_for_binds(2)
    await smsc.stop()
    await sender.close()
    await sender.close()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
async def test_long_texts_over_two_sessions_are_put_together_equal(smsc: Smsc, words: str) -> None:
    sender = a_sender(smsc)
    text = " ".join([words] * 6)
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=f"m{n}", text=f"{n} {text}")) for n in range(8)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert {received.text for received in smsc.texts} == {f"{n} {text}" for n in range(8)}
    assert {received.destination for received in smsc.texts} == {NUMBER}
    await sender.close()

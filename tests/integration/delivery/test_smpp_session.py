"""What the SMPP driver does, as our session relies on it."""

from __future__ import annotations

import asyncio

import pytest

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from services.challenge.delivery import smpp_session
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.smpp_session import SessionLostError, ShortMessage, SmppSession
from tests.integration.delivery.messages import NUMBER

A_PART = ShortMessage(
    destination=NUMBER, octets=b"hello", data_coding=0, has_header=False, reference=1, wants_receipt=True
)


async def opened(smsc: Smsc, *, receives: bool = True) -> SmppSession:
    return await SmppSession.open(parse_smpp_url(smsc.url), window=5, timeout=5, receives=receives)


async def received(session: SmppSession) -> int:
    async with asyncio.timeout(10):
        return len([delivery async for delivery in session.deliveries()])


async def test_what_was_sent_to_us_before_the_end_is_still_read() -> None:
    async with Smsc(receipts=True) as smsc:
        session = await opened(smsc)
        await session.submit(A_PART, timeout=5)
        await smsc.wait_for_receipt_answers(1)
        await session.close()
        assert await received(session) == 1
        assert not session.usable


@pytest.mark.parametrize("receives", [True, False])
async def test_a_cut_ends_the_reading_at_once(smsc: Smsc, receives: bool) -> None:
    session = await opened(smsc, receives=receives)
    reading = asyncio.create_task(received(session))
    await asyncio.sleep(0)
    smsc.drop_session()
    assert await reading == 0
    assert not session.usable
    with pytest.raises(SessionLostError):
        await session.submit(A_PART, timeout=5)
    await session.abandon()


async def test_an_abandoned_session_ends_the_reading(smsc: Smsc) -> None:
    session = await opened(smsc)
    reading = asyncio.create_task(received(session))
    await asyncio.sleep(0)
    await session.abandon()
    assert await reading == 0


async def test_more_receipts_than_the_driver_keeps_are_refused_and_end_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SMSC repeats what was refused; the session is bound again. Read at once, it does not come to that."""
    monkeypatch.setattr(smpp_session, "_INBOUND", 2)
    monkeypatch.setattr(smpp_session, "_LOOK_SECONDS", 0.05)
    async with Smsc(receipts=True) as smsc:
        session = await opened(smsc)
        with pytest.raises(SessionLostError):
            for _ in range(1000):
                await session.submit(A_PART, timeout=5)
        assert CommandStatus.QUEUE_FULL in smsc.receipt_answers
        assert not session.usable
        assert await received(session) == 2
        await session.abandon()

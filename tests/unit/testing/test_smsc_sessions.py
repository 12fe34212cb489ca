"""The local SMSC's sessions and receipts, spoken to by smpp34's own client."""

from __future__ import annotations

import asyncio

import pytest
import smpp34
from smpp34 import _smpp34 as tags

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from libs.testing.smsc_receipts import ReceiptStyle

DIGITS = "4915112345678"


def a_client(smsc: Smsc, *, bind_type: str = "TRX", timeout_ms: int = 5000) -> smpp34.Client:
    return smpp34.Client(
        smsc.host, smsc.port, smsc.system_id, smsc.password, bind_type=bind_type, connect_timeout_ms=timeout_ms
    )


async def next_receipt(session: smpp34.Smsc) -> smpp34.DeliverSmEvent:
    async with asyncio.timeout(5):
        event = await session.next()
    assert isinstance(event, smpp34.DeliverSmEvent)
    return event


async def test_binds_are_refused_as_often_as_asked() -> None:
    async with Smsc() as smsc:
        smsc.refuse_binds(CommandStatus.ALREADY_BOUND, times=1)
        refused = a_client(smsc, timeout_ms=100)
        with pytest.raises(smpp34.SmppError):
            await refused.connect()
        await refused.stop()
        client = a_client(smsc)
        await client.connect()
        await smsc.wait_for_binds(1)
        assert (smsc.binds_accepted, smsc.sessions_bound) == (1, 1)
        await client.stop()


async def test_one_of_two_sessions_is_cut() -> None:
    async with Smsc() as smsc:
        first, second = a_client(smsc), a_client(smsc)
        lost, kept = await first.connect(), await second.connect()
        smsc.drop_session(0)
        async with asyncio.timeout(5):
            assert isinstance(await lost.next(), smpp34.Disconnected)
        assert (await kept.submit_sm(DIGITS, b"x")).is_success
        assert smsc.sessions_bound == 1
        await first.stop()
        await second.stop()


@pytest.mark.parametrize("before_answer", [False, True])
async def test_a_receipt_is_written_as_its_style_says(before_answer: bool) -> None:
    async with Smsc(receipts=True) as smsc:
        smsc.receipt_style = ReceiptStyle(states=("UNDELIV",), decimal=True, text=False, before_answer=before_answer)
        client = a_client(smsc)
        session = await client.connect()
        for number in range(1, 12):
            response = await session.submit_sm(DIGITS, b"x", registered_delivery=1)
            receipt = await next_receipt(session)
            options = {tlv.tag: tlv.value for tlv in receipt.tlvs}
            assert response.message_id == f"{number:08X}"
            assert options[tags.TLV_RECEIPTED_MESSAGE_ID].rstrip(b"\0") == str(number).encode()
            assert options[tags.TLV_MESSAGE_STATE] == b"\x05"
            assert receipt.short_message == b""
        await smsc.wait_for_receipt_answers(11)
        assert smsc.receipt_answers == (0,) * 11
        await client.stop()


async def test_a_receipt_goes_to_the_session_that_can_take_it_once() -> None:
    async with Smsc(receipts=True) as smsc:
        smsc.receipt_style = ReceiptStyle(options=False)
        sending, receiving = a_client(smsc, bind_type="TX"), a_client(smsc, bind_type="RX")
        sender, receiver = await sending.connect(), await receiving.connect()
        response = await sender.submit_sm(DIGITS, b"x", registered_delivery=1)
        receipt = await next_receipt(receiver)
        assert receipt.short_message.startswith(f"id:{response.message_id} ".encode())
        assert receipt.tlvs == []
        assert len(smsc.receipt_answers) <= 1
        await sending.stop()
        await receiving.stop()

"""The local SMSC, spoken to by smpp34's own client and by hand."""

from __future__ import annotations

import asyncio
import struct

import pytest
import smpp34
from smpp34 import _smpp34 as tags

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus, ReceivedText

NUMBER = "+4915112345678"
DIGITS = NUMBER.removeprefix("+")


def a_client(smsc: Smsc, *, bind_type: str = "TX") -> smpp34.Client:
    return smpp34.Client(smsc.host, smsc.port, smsc.system_id, smsc.password, bind_type=bind_type)


async def test_a_wait_ends_with_the_text_that_arrives_later() -> None:
    shown: list[ReceivedText] = []
    async with Smsc(on_text=shown.append) as smsc:
        client = a_client(smsc)
        session = await client.connect()
        waiting = asyncio.create_task(smsc.wait_for(NUMBER))
        response = await session.submit_sm(DIGITS, b"hello", source_addr="Me")
        text = await waiting
        assert (text.text, text.source, text.message_id) == ("hello", "Me", response.message_id)
        assert shown == [text]
        await client.stop()


async def test_a_wait_that_times_out_says_what_it_looked_for_and_no_number() -> None:
    async with Smsc() as smsc:
        expected = r"^no text to the number looked for, which ends in 78, within 0\.01 s; 0 others arrived$"
        with pytest.raises(TimeoutError, match=expected):
            await smsc.wait_for(NUMBER, timeout=0.01)


async def test_a_message_payload_and_segment_options_are_understood() -> None:
    async with Smsc() as smsc:
        client = a_client(smsc)
        session = await client.connect()
        payload = smpp34.Tlv(tags.TLV_MESSAGE_PAYLOAD, b"x" * 500)
        await session.submit_sm(DIGITS, b"", tlvs=[payload])
        for number, part in ((2, b"world"), (1, b"hello ")):
            segment = [
                smpp34.Tlv(tags.TLV_SAR_MSG_REF_NUM, b"\x00\x07"),
                smpp34.Tlv(tags.TLV_SAR_TOTAL_SEGMENTS, b"\x02"),
                smpp34.Tlv(tags.TLV_SAR_SEGMENT_SEQNUM, bytes([number])),
            ]
            await session.submit_sm(DIGITS, part, tlvs=segment)
        assert [text.text for text in smsc.texts] == ["x" * 500, "hello world"]
        await client.stop()


async def test_parts_with_an_8_bit_reference_are_put_together_in_order() -> None:
    async with Smsc() as smsc:
        client = a_client(smsc)
        session = await client.connect()
        for number, part in ((2, "界"), (1, "世")):
            header = bytes([5, 0, 3, 0x2A, 2, number])
            await session.submit_sm(DIGITS, header + part.encode("utf-16-be"), esm_class=0x40, data_coding=8)
        assert [(text.text, text.parts) for text in smsc.texts] == [("世界", 2)]
        await client.stop()


async def test_a_receipt_comes_back_where_one_was_asked_for() -> None:
    async with Smsc(receipts=True) as smsc:
        client = a_client(smsc, bind_type="TRX")
        session = await client.connect()
        response = await session.submit_sm(DIGITS, b"hello", registered_delivery=1)
        async with asyncio.timeout(5):
            receipt = await session.next()
        assert isinstance(receipt, smpp34.DeliverSmEvent)
        assert receipt.esm_class == 0x04
        assert receipt.source_addr == DIGITS
        assert f"id:{response.message_id} ".encode() in receipt.short_message
        assert b"stat:DELIVRD" in receipt.short_message
        await client.stop()


async def test_faults_are_given_as_often_as_asked() -> None:
    async with Smsc() as smsc:
        client = a_client(smsc)
        session = await client.connect()
        smsc.throttle_next(2)
        statuses = [(await session.submit_sm(DIGITS, b"x")).command_status for _ in range(3)]
        assert statuses == [CommandStatus.THROTTLED, CommandStatus.THROTTLED, CommandStatus.OK]
        await client.stop()


async def _exchange(smsc: Smsc, command: int, body: bytes = b"") -> tuple[int, int, int]:
    reader, writer = await asyncio.open_connection(smsc.host, smsc.port)
    writer.write(struct.pack("!IIII", 16 + len(body), command, 0, 7) + body)
    async with asyncio.timeout(5):
        _, answer, status, sequence = struct.unpack("!IIII", await reader.readexactly(16))
    writer.close()
    return answer, status, sequence


@pytest.mark.parametrize("command", [0x01, 0x02, 0x09])
async def test_each_kind_of_bind_is_answered_and_a_wrong_password_refused(command: int) -> None:
    async with Smsc(system_id="sys", password="pw") as smsc:
        good, bad = b"sys\0pw\0\0\x34\0\0\0", b"sys\0no\0\0\x34\0\0\0"
        assert await _exchange(smsc, command, good) == (command | 0x80000000, CommandStatus.OK, 7)
        assert await _exchange(smsc, command, bad) == (command | 0x80000000, CommandStatus.INVALID_PASSWORD, 7)
        smsc.refuse_binds()
        assert await _exchange(smsc, command, good) == (command | 0x80000000, CommandStatus.BIND_FAILED, 7)


async def test_what_comes_before_a_bind_or_is_unknown_is_refused() -> None:
    async with Smsc() as smsc:
        submit = smpp34.SubmitSm("me", DIGITS, b"x").encode()[16:]
        assert await _exchange(smsc, 0x04, submit) == (0x80000004, CommandStatus.INVALID_BIND_STATE, 7)
        assert await _exchange(smsc, 0x03) == (0x80000000, CommandStatus.INVALID_COMMAND, 7)
        assert await _exchange(smsc, 0x15) == (0x80000015, CommandStatus.OK, 7)
        assert await _exchange(smsc, 0x06) == (0x80000006, CommandStatus.OK, 7)
        assert smsc.texts == ()

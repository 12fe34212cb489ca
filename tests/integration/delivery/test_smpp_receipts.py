"""Receipts over a real SMSC, the pool of sessions, and an SMSC that asks to slow down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smsc import Smsc
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, Receipt, ReceiptState, TemporaryFailure
from services.challenge.delivery.smpp import SmppTextSender
from services.challenge.delivery.smpp_receipts import (
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    ReceiptIds,
    SmppReceipt,
    canonical,
    read_receipt,
)
from services.challenge.delivery.smpp_throttle import Throttle
from tests.integration.delivery.messages import a_text

_RECEIPT = 0x04


class Sink:
    """Keeps receipts; fails as often as told first."""

    def __init__(self, failures: int = 0) -> None:
        self.receipts: asyncio.Queue[Receipt] = asyncio.Queue()
        self._failures = failures

    async def take(self, receipt: Receipt) -> None:
        """Take one in."""
        if self._failures:
            self._failures -= 1
            raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)
        self.receipts.put_nowait(receipt)

    async def next(self) -> Receipt:
        """The next one."""
        async with asyncio.timeout(5):
            return await self.receipts.get()


@pytest.fixture
async def reporting() -> AsyncIterator[Smsc]:
    """An SMSC that sends receipts, each before its answer to the submit."""
    async with Smsc(receipts=True) as smsc:
        yield smsc


@pytest.mark.parametrize("text", ["short", "x" * 400], ids=["one part", "three parts"])
async def test_a_receipt_names_the_text_that_it_is_about(reporting: Smsc, text: str) -> None:
    sink = Sink()
    sender = SmppTextSender(parse_smpp_url(reporting.url), name="text-1", sessions=1, on_receipt=sink.take)
    outcome = await sender.send(a_text(text=text))
    assert isinstance(outcome, Accepted)
    receipt = await sink.next()
    assert (receipt.provider, receipt.provider_reference) == (outcome.provider, outcome.provider_reference)
    assert receipt.state is ReceiptState.DELIVERED
    assert sink.receipts.empty(), "of a long text the last part alone is reported"
    await sender.close()


async def test_a_receipt_is_handed_on_again_while_its_taker_is_in_trouble(reporting: Smsc) -> None:
    sink = Sink(failures=2)
    sender = SmppTextSender(parse_smpp_url(reporting.url), sessions=1, on_receipt=sink.take)
    await sender.send(a_text())
    assert (await sink.next()).state is ReceiptState.DELIVERED
    await sender.close()


async def test_without_a_taker_no_receipt_is_asked_for(reporting: Smsc) -> None:
    sender = SmppTextSender(parse_smpp_url(reporting.url), sessions=1)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_two_sessions_share_the_texts_and_one_carries_on_alone(smsc: Smsc) -> None:
    sender = SmppTextSender(parse_smpp_url(smsc.url), sessions=2)
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=f"c{number}")) for number in range(20)))
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert smsc.binds_accepted == 2
    smsc.drop_after_submit()
    assert isinstance(await sender.send(a_text(message_id="lost")), TemporaryFailure)
    assert isinstance(await sender.send(a_text(message_id="c21")), Accepted)
    await sender.close()


async def test_after_a_throttled_text_the_others_are_held_back_and_all_arrive(smsc: Smsc) -> None:
    sender = SmppTextSender(parse_smpp_url(smsc.url), sessions=2)
    smsc.throttle_next()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    waiting = [asyncio.create_task(sender.send(a_text(message_id=f"c{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    assert not smsc.texts
    assert all(isinstance(each, Accepted) for each in await asyncio.gather(*waiting))
    assert len(smsc.texts) == 5
    await sender.close()


def test_a_throttle_doubles_while_it_does_not_help_and_forgets_when_it_does() -> None:
    throttle = Throttle(first=1, longest=4)
    assert throttle.wait(0) == 0
    assert [throttle.throttled(now) for now in (0, 0.5, 1, 3, 7)] == [1, 0.5, 2, 4, 4]
    assert throttle.wait(8) == 3
    for _ in range(4):
        throttle.taken()
    assert throttle.throttled(20) == 1


def test_a_receipts_parameters_count_before_its_text() -> None:
    text = b"id:0AB1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:hi"
    assert read_receipt(_RECEIPT, text, {}) == SmppReceipt(
        message_id="ab1", state=ReceiptState.DELIVERED, status="DELIVRD"
    )
    parameters = {RECEIPTED_MESSAGE_ID: b"77\0", MESSAGE_STATE: b"\x05"}
    assert read_receipt(_RECEIPT, text, parameters) == SmppReceipt(
        message_id="77", state=ReceiptState.BOUNCED, status="UNDELIV"
    )


@pytest.mark.parametrize("status", [b"ENROUTE", b"ACCEPTD", b"UNKNOWN", b"", b"NONSENSE"])
def test_a_state_that_is_not_final_says_nothing(status: bytes) -> None:
    assert read_receipt(_RECEIPT, b"id:1 stat:" + status, {}) is None


def test_what_is_no_receipt_is_none() -> None:
    assert read_receipt(0, b"id:1 stat:DELIVRD", {}) is None
    assert read_receipt(_RECEIPT, b"STOP", {}) is None


@given(st.integers(0, 2**63), st.sampled_from(["{:x}", "{:X}", "{:016X}"]))
def test_an_id_answered_in_hex_and_reported_in_decimal_is_the_same(number: int, form: str) -> None:
    assert ReceiptIds.DECIMAL.as_in_receipts(form.format(number)) == canonical(str(number))
    assert ReceiptIds.HEX.as_in_receipts(str(number)) == canonical(form.format(number))
    assert ReceiptIds.SAME.as_in_receipts(form.format(number)) == canonical(form.format(number).lower())


@given(st.binary(max_size=200), st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=70), max_size=4))
def test_no_octets_break_the_reader(text: bytes, parameters: dict[int, bytes]) -> None:
    read_receipt(_RECEIPT, text, parameters)


def test_the_setting_says_how_receipts_write_ids() -> None:
    url = "smpp://hearthgate:local@127.0.0.1:2775?receipt_ids="
    assert parse_smpp_url(f"{url}decimal").receipt_ids is ReceiptIds.DECIMAL
    with pytest.raises(ValueError, match="receipt_ids must be"):
        parse_smpp_url(f"{url}octal")

"""Receipts over SMPP, from a real SMSC to the sink."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import smpp34

from libs.testing.smsc import Smsc
from libs.testing.smsc_receipts import ReceiptStyle
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, Receipt, ReceiptSink, ReceiptState
from services.challenge.delivery.smpp import SmppTextSender
from services.challenge.delivery.smpp_receipts import IdForm, MessageIdForms
from tests.integration.delivery.messages import NUMBER, a_text
from tests.integration.delivery.receipts_kept import KeptReceipts

DECIMAL_RECEIPTS = MessageIdForms(answer=IdForm.HEXADECIMAL, text=IdForm.DECIMAL, option=IdForm.DECIMAL)


@pytest.fixture
async def reporting() -> AsyncIterator[Smsc]:
    async with Smsc(receipts=True) as smsc:
        yield smsc


def a_sender(smsc: Smsc, on_receipt: ReceiptSink | None, *, id_forms: MessageIdForms | None = None) -> SmppTextSender:
    return SmppTextSender(
        parse_smpp_url(smsc.url),
        name="carrier",
        on_receipt=on_receipt,
        id_forms=id_forms,
        sessions=1,
        first_backoff=timedelta(0),
    )


async def test_a_receipt_names_the_text_that_was_accepted(reporting: Smsc) -> None:
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    outcome = await sender.send(a_text())
    assert isinstance(outcome, Accepted)
    assert outcome.provider == "carrier"
    assert await sink.wait_for(1) == [
        Receipt(
            provider="carrier", provider_reference=outcome.provider_reference, state=ReceiptState.DELIVERED, reason=""
        )
    ]
    await reporting.wait_for_receipt_answers(1)
    assert reporting.receipt_answers == (0,)
    await sender.close()


async def test_a_long_text_has_one_receipt_for_its_last_part(reporting: Smsc) -> None:
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    outcome = await sender.send(a_text(text="x" * 400))
    text = await reporting.wait_for(NUMBER)
    assert text.message_id != text.last_message_id
    assert outcome == Accepted(provider_reference=text.last_message_id, provider="carrier")
    await sender.close()
    assert [receipt.provider_reference for receipt in sink.kept] == [text.last_message_id]


@pytest.mark.parametrize(("options", "text"), [(True, True), (True, False), (False, True)])
async def test_a_bounce_is_read_from_options_and_from_text(reporting: Smsc, options: bool, text: bool) -> None:
    reporting.receipt_style = ReceiptStyle(states=("UNDELIV",), options=options, text=text)
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    await sender.send(a_text())
    (receipt,) = await sink.wait_for(1)
    assert (receipt.state, receipt.reason) == (ReceiptState.BOUNCED, "UNDELIV")
    await sender.close()


@pytest.mark.parametrize(("options", "text"), [(True, False), (False, True)])
async def test_a_decimal_receipt_meets_its_hexadecimal_answer(reporting: Smsc, options: bool, text: bool) -> None:
    reporting.receipt_style = ReceiptStyle(decimal=True, options=options, text=text)
    sink = KeptReceipts()
    sender = a_sender(reporting, sink, id_forms=DECIMAL_RECEIPTS)
    outcomes = [await sender.send(a_text(message_id=f"m{number}")) for number in range(18)]
    references = [outcome.provider_reference for outcome in outcomes if isinstance(outcome, Accepted)]
    assert {receipt.provider_reference for receipt in await sink.wait_for(18)} == set(references)
    assert len(set(references)) == 18
    await sender.close()


async def test_a_receipt_before_the_answer_is_handed_on(reporting: Smsc) -> None:
    reporting.receipt_style = ReceiptStyle(before_answer=True)
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    outcome = await sender.send(a_text())
    (receipt,) = await sink.wait_for(1)
    assert isinstance(outcome, Accepted)
    assert receipt.provider_reference == outcome.provider_reference
    await sender.close()


async def test_states_on_the_way_are_passed_over(reporting: Smsc) -> None:
    reporting.receipt_style = ReceiptStyle(states=("ENROUTE", "ACCEPTD", "DELIVRD"))
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    await sender.send(a_text())
    await reporting.wait_for_receipt_answers(3)
    await sender.close()
    assert [receipt.state for receipt in sink.kept] == [ReceiptState.DELIVERED]


async def test_where_no_receipt_comes_the_text_stays_accepted(smsc: Smsc) -> None:
    sink = KeptReceipts()
    sender = a_sender(smsc, sink)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()
    assert sink.kept == []


async def test_without_a_sink_no_receipt_is_asked_for(reporting: Smsc) -> None:
    sender = a_sender(reporting, None)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()
    assert reporting.receipt_answers == ()


async def test_a_sink_that_fails_gets_its_receipt_again(reporting: Smsc, caplog: pytest.LogCaptureFixture) -> None:
    sink = KeptReceipts(failing=1)
    sender = a_sender(reporting, sink)
    outcome = await sender.send(a_text())
    (receipt,) = await sink.wait_for(1)
    assert isinstance(outcome, Accepted)
    assert receipt.provider_reference == outcome.provider_reference
    await sender.close()
    assert NUMBER not in caplog.text


async def test_a_started_sender_gets_receipts_of_texts_that_another_process_sent(reporting: Smsc) -> None:
    sink = KeptReceipts()
    sender = a_sender(reporting, sink)
    sender.start()
    await reporting.wait_for_binds(1)
    other = smpp34.Client(reporting.host, reporting.port, reporting.system_id, reporting.password, bind_type="TX")
    session = await other.connect()
    response = await session.submit_sm(NUMBER.removeprefix("+"), b"hello", registered_delivery=1)
    (receipt,) = await sink.wait_for(1)
    assert receipt.provider_reference == response.message_id
    await other.stop()
    await sender.close()

"""Receipts between the provider and a sink that may fail."""

from __future__ import annotations

import asyncio

import pytest

from services.challenge.delivery import receipt_desk
from services.challenge.delivery.port import Receipt, ReceiptState
from services.challenge.delivery.receipt_desk import ReceiptDesk
from tests.integration.delivery.messages import NUMBER
from tests.integration.delivery.receipts_kept import KeptReceipts


def a_receipt(reference: str) -> Receipt:
    return Receipt(provider="p", provider_reference=reference, state=ReceiptState.DELIVERED)


async def test_one_worker_hands_receipts_on_in_order() -> None:
    sink = KeptReceipts()
    desk = ReceiptDesk(sink, workers=1)
    for number in range(5):
        await desk.hand_in(a_receipt(str(number)))
    assert [receipt.provider_reference for receipt in await sink.wait_for(5)] == ["0", "1", "2", "3", "4"]
    await desk.close()


async def test_a_sink_that_raises_gets_the_same_receipt_again() -> None:
    sink = KeptReceipts(failing=3)
    desk = ReceiptDesk(sink, workers=1, attempts=4, first_pause=0)
    await desk.hand_in(a_receipt("1"))
    await desk.hand_in(a_receipt("2"))
    assert [receipt.provider_reference for receipt in await sink.wait_for(2)] == ["1", "2"]
    await desk.close()


async def test_one_that_is_never_taken_is_said_to_be_lost_and_the_next_is_handed_on(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    sink = KeptReceipts(failing=2)
    desk = ReceiptDesk(sink, workers=1, attempts=2, first_pause=0)
    await desk.hand_in(a_receipt("the-lost"))
    await desk.hand_in(a_receipt("the-next"))
    assert [receipt.provider_reference for receipt in await sink.wait_for(1)] == ["the-next"]
    await desk.close()
    logged = caplog.text + "".join(capsys.readouterr())
    assert "receipts_lost" in logged
    assert NUMBER not in logged
    assert "their words" not in logged


async def test_a_full_desk_takes_no_more_until_there_is_room() -> None:
    let_go = asyncio.Event()
    taken: list[str] = []

    async def sink(receipt: Receipt) -> None:
        await let_go.wait()
        taken.append(receipt.provider_reference)

    desk = ReceiptDesk(sink, workers=1, capacity=1)
    waiting = [asyncio.create_task(desk.hand_in(a_receipt(str(number)))) for number in range(4)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert len(done) == 2
    let_go.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
    await desk.close()
    assert taken == ["0", "1", "2", "3"]


async def test_a_receipt_that_is_not_taken_does_not_hold_up_the_others() -> None:
    taken, let_go = KeptReceipts(), asyncio.Event()

    async def sink(receipt: Receipt) -> None:
        if receipt.provider_reference == "stuck":
            await let_go.wait()
        await taken(receipt)

    desk = ReceiptDesk(sink, workers=2)
    for reference in ("stuck", "1", "2", "3"):
        await desk.hand_in(a_receipt(reference))
    assert [receipt.provider_reference for receipt in await taken.wait_for(3)] == ["1", "2", "3"]
    let_go.set()
    await desk.close()
    assert len(taken.kept) == 4


async def test_closing_waits_for_what_is_under_way() -> None:
    sink = KeptReceipts(failing=1)
    desk = ReceiptDesk(sink, first_pause=0)
    await desk.hand_in(a_receipt("1"))
    await desk.close()
    assert len(sink.kept) == 1


async def test_what_is_still_under_way_after_the_closing_is_said_to_be_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(receipt_desk, "_CLOSE_SECONDS", 0)
    sink = KeptReceipts(failing=1)
    desk = ReceiptDesk(sink, first_pause=60)
    await desk.hand_in(a_receipt("1"))
    await sink.wait_for_refusals(1)
    await desk.close()
    logged = caplog.text + "".join(capsys.readouterr())
    assert "receipts_lost" in logged
    assert sink.kept == []

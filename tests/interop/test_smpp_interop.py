"""Our SMPP sender against the server of npm's ``smpp``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, Receipt, ReceiptState, TemporaryFailure, TextMessageToSend
from services.challenge.delivery.smpp import SmppTextSender

_NUMBER = "+4915112345678"
_TEXTS = {
    "GSM-7": "123456 opens the door. {[~^|\\]} äöüß à é ñ €\n\n@hearthgate.example #123456",
    "UCS-2": "認証コードは123456です 🎬",
    "long GSM-7": "The quick brown fox {€} " * 20,
    "long UCS-2": "رمز التحقق الخاص بك هو 123456 " * 10,
}


class Server:
    """The other one's SMSC as a process, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.url = f"smpp://hearthgate:local@127.0.0.1:{port}"
        self._process = process

    async def next(self, event: str) -> dict[str, Any]:
        """The next thing of a kind that it says."""
        while True:
            said = await _line(self._process)
            if said["event"] == event:
                return said


@asynccontextmanager
async def running(node: tuple[str, Path], throttled: int = 0) -> AsyncIterator[Server]:
    """The server while the block runs."""
    command, folder = node
    process = await asyncio.create_subprocess_exec(
        *(command, "smpp_server.js", str(throttled)), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Server(process, (await _line(process))["port"])
    finally:
        process.terminate()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(10):
        return dict(json.loads(await process.stdout.readline()))


@pytest.mark.parametrize("text", _TEXTS.values(), ids=_TEXTS.keys())
async def test_a_text_arrives_as_it_was(node: tuple[str, Path], text: str) -> None:
    async with running(node) as server:
        sender = SmppTextSender(parse_smpp_url(server.url), sessions=1)
        assert (
            await sender.send(TextMessageToSend(message_id="c1", recipient=_NUMBER, text=text))
        ).__class__ is Accepted
        arrived = await server.next("text")
        assert (arrived["to"], arrived["from"]) == (_NUMBER[1:], "Hearthgate")
        assert arrived["text"] == text
        await sender.close()


async def test_a_throttled_text_arrives_when_it_is_repeated(node: tuple[str, Path]) -> None:
    async with running(node, throttled=1) as server:
        sender = SmppTextSender(parse_smpp_url(server.url), sessions=1)
        message = TextMessageToSend(message_id="c1", recipient=_NUMBER, text="123456")
        assert isinstance(await sender.send(message), TemporaryFailure)
        assert isinstance(await sender.send(message), Accepted)
        assert (await server.next("text"))["text"] == "123456"
        await sender.close()


async def test_a_receipt_names_the_text(node: tuple[str, Path]) -> None:
    receipts: asyncio.Queue[Receipt] = asyncio.Queue()
    async with running(node) as server:
        sender = SmppTextSender(parse_smpp_url(server.url), sessions=1, on_receipt=receipts.put)
        outcome = await sender.send(TextMessageToSend(message_id="c1", recipient=_NUMBER, text="x" * 300))
        assert (await server.next("bind"))["command"] == "bind_transceiver"
        assert isinstance(outcome, Accepted)
        async with asyncio.timeout(5):
            receipt = await receipts.get()
        assert (receipt.provider_reference, receipt.state) == (outcome.provider_reference, ReceiptState.DELIVERED)
        await sender.close()

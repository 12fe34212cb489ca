"""What holds for every TextSender: the fake, and the real ones over a real SMSC and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smsc import Smsc
from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.endpoints import HttpTextEndpoint, parse_smpp_url, parse_text_url
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import Accepted, TextMessageToSend, TextSender
from services.challenge.delivery.smpp import SmppTextSender
from tests.integration.delivery.fakes import FakeTextSender
from tests.integration.delivery.messages import NUMBER, WORDS, a_text


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A sender and what arrived of it (number, text)."""

    sender: TextSender
    arrived: Callable[[], list[tuple[str, str]]]


def _fake_bench() -> Bench:
    sender = FakeTextSender()
    return Bench(
        sender=sender,
        arrived=lambda: [(m.recipient, m.text) for m in sender.sent],
    )


def _smpp_bench(smsc: Smsc) -> Bench:
    return Bench(
        sender=SmppTextSender(parse_smpp_url(smsc.url)),
        arrived=lambda: [(text.destination, text.text) for text in smsc.texts],
    )


def _http_bench(server: TextHttpServer) -> Bench:
    endpoint = parse_text_url(server.url)
    assert isinstance(endpoint, HttpTextEndpoint)
    return Bench(
        sender=HttpTextSender(endpoint),
        arrived=lambda: [(text.recipient, text.text) for text in server.texts],
    )


@pytest.fixture(params=["fake", "smpp", "http"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "fake":
        yield _fake_bench()
        return
    if request.param == "http":
        async with TextHttpServer() as server:
            bench = _http_bench(server)
            yield bench
            await bench.sender.close()
        return
    async with Smsc() as smsc:
        bench = _smpp_bench(smsc)
        yield bench
        await bench.sender.close()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
@pytest.mark.parametrize("repeated", [1, 7], ids=["short", "long"])
async def test_a_text_arrives_with_its_content_intact(bench: Bench, words: str, repeated: int) -> None:
    text = " ".join([words] * repeated)
    assert isinstance(await bench.sender.send(a_text(text=text)), Accepted)
    assert bench.arrived() == [(NUMBER, text)]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (a_text(recipient="015112345678"), "recipient"),
        (a_text(recipient=NUMBER + "\n"), "recipient"),
        (a_text(recipient="+49 151 12345678"), "recipient"),
        (a_text(text=""), "text"),
        (a_text(text="x" * 1521), "text"),
        (a_text(message_id=""), "message_id"),
    ],
)
async def test_a_text_that_no_provider_could_carry_is_refused(
    bench: Bench, message: TextMessageToSend, field: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        await bench.sender.send(message)
    assert refusal.value.reason is ErrorReason.INVALID_FIELD
    assert [violation.field for violation in refusal.value.fields] == [field]
    assert "151" not in str(refusal.value)
    assert bench.arrived() == []

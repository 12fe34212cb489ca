"""What holds for every TextSender: the fake, and the real ones over a real SMSC and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.endpoints import HttpTextEndpoint, parse_smpp_url, parse_text_url
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import Accepted, PermanentFailure, TemporaryFailure, TextMessageToSend, TextSender
from services.challenge.delivery.smpp import SmppTextSender
from tests.integration.delivery.fakes import FakeTextSender
from tests.integration.delivery.messages import NUMBER, WORDS, a_text


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A sender, what arrived of it (number, text), and its provider's moods."""

    sender: TextSender
    arrived: Callable[[], list[tuple[str, str]]]
    busy_next: Callable[[], None]
    refuse_next: Callable[[], None]


def _fake_bench() -> Bench:
    sender = FakeTextSender()
    return Bench(
        sender=sender,
        arrived=lambda: [(m.recipient, m.text) for m in sender.sent],
        busy_next=lambda: sender.answer_next(TemporaryFailure(reason="busy")),
        refuse_next=lambda: sender.answer_next(PermanentFailure(reason="refused")),
    )


def _smpp_bench(smsc: Smsc) -> Bench:
    return Bench(
        sender=SmppTextSender(parse_smpp_url(smsc.url)),
        arrived=lambda: [(text.destination, text.text) for text in smsc.texts],
        busy_next=smsc.throttle_next,
        refuse_next=lambda: smsc.reject_next(CommandStatus.INVALID_DESTINATION),
    )


def _http_bench(server: TextHttpServer) -> Bench:
    endpoint = parse_text_url(server.url)
    assert isinstance(endpoint, HttpTextEndpoint)
    return Bench(
        sender=HttpTextSender(endpoint),
        arrived=lambda: [(text.recipient, text.text) for text in server.texts],
        busy_next=lambda: server.answer_next(429),
        refuse_next=lambda: server.answer_next(400, code=21211),
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


async def test_a_throttling_provider_is_a_temporary_failure_and_a_repeat_arrives(bench: Bench) -> None:
    bench.busy_next()
    assert isinstance(await bench.sender.send(a_text()), TemporaryFailure)
    assert isinstance(await bench.sender.send(a_text()), Accepted)
    assert len(bench.arrived()) == 1


async def test_a_number_that_the_provider_does_not_know_is_a_permanent_failure(bench: Bench) -> None:
    bench.refuse_next()
    assert isinstance(await bench.sender.send(a_text()), PermanentFailure)
    assert bench.arrived() == []


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


async def test_a_closed_sender_fails_temporarily(bench: Bench) -> None:
    await bench.sender.close()
    assert isinstance(await bench.sender.send(a_text()), TemporaryFailure)

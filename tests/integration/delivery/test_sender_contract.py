"""What holds for every sender of either channel: the fakes, and the real ones over real SMTP, SMPP and HTTP.

What a channel has beyond that stands in ``test_email_sender_contract.py`` and ``test_text_sender_contract.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from libs.runtime.clock import FakeClock
from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from libs.testing.smtp import SmtpInbox, SmtpStep
from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.endpoints import HttpTextEndpoint, parse_smpp_url, parse_smtp_url, parse_text_url
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    EmailSender,
    PermanentFailure,
    TemporaryFailure,
    TextSender,
)
from services.challenge.delivery.smpp import SmppTextSender
from services.challenge.delivery.smtp import SmtpEmailSender
from tests.integration.delivery.fakes import FakeEmailSender, FakeTextSender
from tests.integration.delivery.messages import NUMBER, RECIPIENT, a_text, an_email

NAME: Final = "provider-1"
PATIENCE: Final = 10.0
SHORT_PATIENCE: Final = 1.0
# Long enough for several parts of a text.
WORDS: Final = "Ihr Code lautet 123456. " * 12


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A sender of messages with an id, what arrived of them, and its provider's moods."""

    send: Callable[[str], Awaitable[DeliveryOutcome]]
    close: Callable[[], Awaitable[None]]
    arrived: Callable[[], list[tuple[str, ...]]]
    busy_next: Callable[[], object]
    kill_address_next: Callable[[], object]
    refuse_next: Callable[[], object]
    hang_next: Callable[[], object]
    names_itself: bool = True


def _email(sender: EmailSender) -> Callable[[str], Awaitable[DeliveryOutcome]]:
    return lambda number: sender.send(an_email(message_id=f"{number}@hearthgate.test", text=WORDS.strip()))


def _text(sender: TextSender) -> Callable[[str], Awaitable[DeliveryOutcome]]:
    return lambda number: sender.send(a_text(message_id=number, text=WORDS))


def _fake(sender: FakeEmailSender | FakeTextSender, send: Callable[[str], Awaitable[DeliveryOutcome]]) -> Bench:
    return Bench(
        send=send,
        close=sender.close,
        arrived=lambda: [(each.message_id, each.recipient, each.text) for each in sender.sent],
        busy_next=partial(sender.answer_next, TemporaryFailure(reason="busy")),
        kill_address_next=partial(sender.answer_next, PermanentFailure(reason="dead", about_recipient=True)),
        refuse_next=partial(sender.answer_next, PermanentFailure(reason="refused")),
        hang_next=partial(sender.answer_next, TemporaryFailure(reason="no answer in time")),
        names_itself=False,
    )


@asynccontextmanager
async def _fake_email(patience: float) -> AsyncIterator[Bench]:
    sender = FakeEmailSender()
    yield _fake(sender, _email(sender))


@asynccontextmanager
async def _fake_text(patience: float) -> AsyncIterator[Bench]:
    sender = FakeTextSender()
    yield _fake(sender, _text(sender))


@asynccontextmanager
async def _smtp(patience: float) -> AsyncIterator[Bench]:
    async with SmtpInbox() as inbox:
        sender = SmtpEmailSender(
            parse_smtp_url(inbox.url),
            name=NAME,
            sender="no-reply@hearthgate.test",
            clock=FakeClock(),
            send_timeout=patience,
        )
        yield Bench(
            send=_email(sender),
            close=sender.close,
            arrived=lambda: [(each.message_id, *each.recipients, each.text, each.html) for each in inbox.mails],
            busy_next=partial(inbox.reply_next, f"451 4.3.0 <{RECIPIENT}> later"),
            kill_address_next=partial(inbox.reply_next, f"550 5.1.1 <{RECIPIENT}> unknown", at=SmtpStep.RCPT),
            refuse_next=partial(inbox.reply_next, f"554 5.7.1 <{RECIPIENT}> never"),
            hang_next=inbox.hang_next,
        )
        await sender.close()


@asynccontextmanager
async def _smpp(patience: float) -> AsyncIterator[Bench]:
    async with Smsc() as smsc:
        sender = SmppTextSender(parse_smpp_url(smsc.url), name=NAME, send_timeout=patience)
        yield Bench(
            send=_text(sender),
            close=sender.close,
            arrived=lambda: [(each.destination, each.text) for each in smsc.texts],
            busy_next=partial(smsc.reject_next, CommandStatus.SYSTEM_ERROR),
            kill_address_next=partial(smsc.reject_next, CommandStatus.INVALID_DESTINATION),
            # "Rejected by the receiver": no word on the number.
            refuse_next=partial(smsc.reject_next, 0x66),
            hang_next=smsc.hang_next,
        )
        await sender.close()


@asynccontextmanager
async def _http(patience: float) -> AsyncIterator[Bench]:
    async with TextHttpServer() as server:
        endpoint = parse_text_url(server.url)
        assert isinstance(endpoint, HttpTextEndpoint)
        sender = HttpTextSender(endpoint, name=NAME, timeout=patience)
        yield Bench(
            send=_text(sender),
            close=sender.close,
            arrived=lambda: [(each.idempotency_token, each.recipient, each.text) for each in server.texts],
            busy_next=partial(server.answer_next, 503),
            kill_address_next=partial(server.answer_next, 400, code=21211),
            refuse_next=partial(server.answer_next, 400, code=21610),
            hang_next=server.hang_next,
        )
        await sender.close()


_BENCHES: Final = {
    "fake email": _fake_email,
    "fake text": _fake_text,
    "smtp": _smtp,
    "smpp": _smpp,
    "http": _http,
}


@pytest.fixture(params=_BENCHES)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with _BENCHES[request.param](PATIENCE) as bench:
        yield bench


@pytest.fixture(params=_BENCHES)
async def impatient_bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with _BENCHES[request.param](SHORT_PATIENCE) as bench:
        yield bench


async def test_what_is_accepted_has_arrived_and_the_provider_names_it_and_itself(bench: Bench) -> None:
    outcome = await bench.send("c1")
    assert isinstance(outcome, Accepted)
    assert outcome.provider_reference
    assert outcome.provider == (NAME if bench.names_itself else "")
    assert len(bench.arrived()) == 1


async def test_references_tell_messages_apart(bench: Bench) -> None:
    outcomes = [await bench.send(f"c{number}") for number in range(5)]
    assert len({outcome.provider_reference for outcome in outcomes if isinstance(outcome, Accepted)}) == 5


async def test_a_busy_provider_is_temporary_and_a_repeat_arrives_once(bench: Bench) -> None:
    bench.busy_next()
    assert isinstance(await bench.send("c1"), TemporaryFailure)
    assert isinstance(await bench.send("c1"), Accepted)
    assert len(bench.arrived()) == 1


async def test_a_dead_address_is_permanent_and_told(bench: Bench) -> None:
    bench.kill_address_next()
    outcome = await bench.send("c1")
    assert isinstance(outcome, PermanentFailure)
    assert outcome.about_recipient
    assert not bench.arrived()


async def test_a_refusal_for_another_cause_is_permanent_and_no_word_on_the_address(bench: Bench) -> None:
    bench.refuse_next()
    outcome = await bench.send("c1")
    assert isinstance(outcome, PermanentFailure)
    assert not outcome.about_recipient
    assert not bench.arrived()


@pytest.mark.parametrize("mood", ["busy_next", "kill_address_next", "refuse_next"])
async def test_no_failure_touches_the_next_message_nor_repeats_what_the_provider_said(bench: Bench, mood: str) -> None:
    getattr(bench, mood)()
    outcome = await bench.send("c1")
    assert not isinstance(outcome, Accepted)
    assert not [each for each in (RECIPIENT, NUMBER, NUMBER[1:], "123456") if each in repr(outcome)]
    assert isinstance(await bench.send("c2"), Accepted)
    assert len(bench.arrived()) == 1


async def test_a_silent_provider_is_temporary_within_the_deadline_and_forgotten_by_the_next_message(
    impatient_bench: Bench,
) -> None:
    impatient_bench.hang_next()
    assert isinstance(await impatient_bench.send("c1"), TemporaryFailure)
    assert isinstance(await impatient_bench.send("c2"), Accepted)
    assert len(impatient_bench.arrived()) == 1


async def test_a_repeat_is_the_same_message(bench: Bench) -> None:
    assert isinstance(await bench.send("c1"), Accepted)
    assert isinstance(await bench.send("c1"), Accepted)
    first, second = bench.arrived()
    assert first == second


async def test_a_closed_sender_fails_temporarily_and_closes_again(bench: Bench) -> None:
    await bench.send("c1")
    await bench.close()
    assert isinstance(await bench.send("c2"), TemporaryFailure)
    await bench.close()
    assert len(bench.arrived()) == 1

"""What holds for every EmailSender: the fake, and the real one over a real mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.testing.smtp import SmtpInbox
from services.challenge.delivery.endpoints import parse_smtp_url
from services.challenge.delivery.port import (
    Accepted,
    EmailMessageToSend,
    EmailSender,
)
from services.challenge.delivery.smtp import SmtpEmailSender
from tests.integration.delivery.fakes import FakeEmailSender
from tests.integration.delivery.messages import RECIPIENT, WORDS, an_email


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A sender and what arrived of it (message id, recipient, subject, text, html)."""

    sender: EmailSender
    arrived: Callable[[], list[tuple[str, str, str, str, str]]]


def _fake_bench() -> Bench:
    sender = FakeEmailSender()
    return Bench(
        sender=sender,
        arrived=lambda: [(m.message_id, m.recipient, m.subject, m.text, m.html) for m in sender.sent],
    )


def _smtp_bench(inbox: SmtpInbox) -> Bench:
    return Bench(
        sender=SmtpEmailSender(
            parse_smtp_url(inbox.url), sender="Hearthgate <no-reply@hearthgate.test>", clock=FakeClock()
        ),
        arrived=lambda: [
            (m.message_id, m.recipients[0], m.subject, m.text.removesuffix("\n"), m.html.removesuffix("\n"))
            for m in inbox.mails
        ],
    )


@pytest.fixture(params=["fake", "smtp"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "fake":
        yield _fake_bench()
        return
    async with SmtpInbox() as inbox:
        bench = _smtp_bench(inbox)
        yield bench
        await bench.sender.close()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
async def test_an_email_arrives_with_its_content_intact(bench: Bench, words: str) -> None:
    message = an_email(subject=words, text=words)
    assert isinstance(await bench.sender.send(message), Accepted)
    assert bench.arrived() == [(message.message_id, RECIPIENT, words, words, f"<p>{words}</p>")]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (an_email(recipient="ada@example.test\r\nBcc: eve@example.test"), "recipient"),
        (an_email(recipient="ada@example.test, eve@example.test"), "recipient"),
        (an_email(recipient="ada@example.test>\nRCPT TO:<eve@example.test"), "recipient"),
        (an_email(recipient="ada"), "recipient"),
        (an_email(subject="Hello\nBcc: eve@example.test"), "subject"),
        (an_email(subject="Hello\rX"), "subject"),
        (an_email(message_id="c1\r\nX: y"), "message_id"),
        (an_email(headers={"X-A": "b\r\nBcc: eve@example.test"}), "headers"),
        (an_email(headers={"Bcc": "eve@example.test"}), "headers"),
        (an_email(headers={"X-A: b\r\nBcc": "c"}), "headers"),
        (an_email(text="\ud800"), "text"),
        (an_email(headers={"List-Unsubscribe": "<https://hearthgate.test/ü>"}), "headers"),
        (an_email(headers={"List-Unsubscribe": f"<https://hearthgate.test/{'A' * 900}>"}), "headers"),
    ],
)
async def test_an_email_that_smuggles_headers_or_recipients_is_refused(
    bench: Bench, message: EmailMessageToSend, field: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        await bench.sender.send(message)
    assert refusal.value.reason is ErrorReason.INVALID_FIELD
    assert [violation.field for violation in refusal.value.fields] == [field]
    assert "example.test" not in str(refusal.value)
    assert bench.arrived() == []

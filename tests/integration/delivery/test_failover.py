"""The second provider: when it is asked, and when the first is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runtime.clock import FakeClock
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox, SmtpStep
from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.endpoints import HttpTextEndpoint, SmppEndpoint, parse_smtp_url, parse_text_url
from services.challenge.delivery.failover import CircuitBreaker, FailoverSender
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import (
    Accepted,
    EmailMessageToSend,
    PermanentFailure,
    TemporaryFailure,
    TextMessageToSend,
)
from services.challenge.delivery.smpp import SmppTextSender
from services.challenge.delivery.smtp import SmtpEmailSender
from tests.integration.delivery.fakes import FakeTextSender
from tests.integration.delivery.messages import a_text, an_email


def pair() -> tuple[FakeTextSender, FakeTextSender, FailoverSender[TextMessageToSend], FakeClock]:
    """Two providers behind one sender."""
    first, second, clock = FakeTextSender(), FakeTextSender(), FakeClock()
    return first, second, FailoverSender([first, second], clock), clock


async def test_a_temporary_failure_goes_to_the_second_at_once() -> None:
    first, second, both, _ = pair()
    first.answer_next(TemporaryFailure(reason="busy"))
    assert isinstance(await both.send(a_text()), Accepted)
    assert [text.message_id for text in second.sent] == ["c1"]
    assert isinstance(await both.send(a_text(message_id="c2")), Accepted)
    assert [text.message_id for text in first.sent] == ["c2"]


async def test_a_permanent_failure_stops_there() -> None:
    first, second, both, _ = pair()
    first.answer_next(PermanentFailure(reason="no such number", about_recipient=True))
    assert await both.send(a_text()) == PermanentFailure(reason="no such number", about_recipient=True)
    assert not second.sent


async def test_a_provider_that_keeps_failing_is_left_alone_and_tried_again_now_and_then() -> None:
    first, second, both, clock = pair()
    first.answer_next(TemporaryFailure(reason="down"), times=4)
    for _ in range(3):
        await both.send(a_text())
    for _ in range(5):
        await both.send(a_text())
    assert len(second.sent) == 8
    clock.advance(timedelta(seconds=30))
    await both.send(a_text())
    assert (len(first.sent), len(second.sent)) == (0, 9)
    clock.advance(timedelta(seconds=30))
    await both.send(a_text())
    await both.send(a_text())
    assert (len(first.sent), len(second.sent)) == (2, 9)


async def test_where_both_are_given_up_the_first_is_asked_all_the_same() -> None:
    first, second, both, _ = pair()
    first.answer_next(TemporaryFailure(reason="down"), times=3)
    second.answer_next(TemporaryFailure(reason="down, too"), times=3)
    for _ in range(3):
        assert await both.send(a_text()) == TemporaryFailure(reason="down, too")
    assert isinstance(await both.send(a_text()), Accepted)
    assert first.sent


async def test_a_message_that_the_first_takes_is_no_try_of_the_second() -> None:
    first, second, both, clock = pair()
    for sender in (first, second):
        sender.answer_next(TemporaryFailure(reason="down"), times=3)
    for _ in range(3):
        await both.send(a_text())
    clock.advance(timedelta(seconds=30))
    assert isinstance(await both.send(a_text()), Accepted)
    assert len(first.sent) == 1
    first.answer_next(TemporaryFailure(reason="down again"))
    assert isinstance(await both.send(a_text()), Accepted)
    assert len(second.sent) == 1


@pytest.mark.parametrize(("waits", "soonest"), [((30, 5), 5), ((5, 30), 5), ((None, 5), None), ((5, None), None)])
async def test_when_all_fail_the_repeat_waits_for_the_first_to_be_back(
    waits: tuple[int | None, int | None], soonest: int | None
) -> None:
    first, second, both, _ = pair()
    for sender, wait in zip((first, second), waits, strict=True):
        retry_after = None if wait is None else timedelta(seconds=wait)
        sender.answer_next(TemporaryFailure(reason="down", retry_after=retry_after))
    expected = None if soonest is None else timedelta(seconds=soonest)
    assert await both.send(a_text()) == TemporaryFailure(reason="down", retry_after=expected)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 25)), max_size=60))
def test_a_dead_provider_is_never_given_up_for_good_and_never_asked_twice_in_a_pause(
    history: list[tuple[bool, int]],
) -> None:
    clock, pause = FakeClock(), timedelta(seconds=10)
    breaker, in_a_row, asked_at = CircuitBreaker(failures=3, pause=pause), 0, clock.now()
    for works, seconds in history:
        now = clock.advance(timedelta(seconds=seconds))
        allowed = breaker.allows(now)
        assert allowed == (in_a_row < 3 or now - asked_at >= pause)
        if allowed:
            breaker.record(failed=not works, now=now)
            in_a_row, asked_at = (0 if works else in_a_row + 1), now
    assert breaker.allows(clock.advance(pause))


def test_a_breaker_lets_one_through_after_each_pause_and_closes_with_a_success() -> None:
    clock, breaker = FakeClock(), CircuitBreaker(failures=2, pause=timedelta(seconds=10))
    assert not breaker.record(failed=True, now=clock.now())
    assert breaker.record(failed=True, now=clock.now()), "given up by this one"
    assert not breaker.allows(clock.now())
    clock.advance(timedelta(seconds=10))
    assert [breaker.allows(clock.now()) for _ in range(3)] == [True, False, False]
    assert not breaker.record(failed=True, now=clock.now()), "given up already"
    clock.advance(timedelta(seconds=10))
    assert breaker.allows(clock.now())
    breaker.record(failed=False, now=clock.now())
    assert all(breaker.allows(clock.now()) for _ in range(3))


async def test_a_mail_server_that_is_down_or_busy_hands_over_to_the_other(inbox: SmtpInbox) -> None:
    clock = FakeClock()
    async with SmtpInbox() as other:
        senders = [
            SmtpEmailSender(parse_smtp_url(each.url), name=name, sender="h@hearthgate.test", clock=clock)
            for name, each in (("email-1", inbox), ("email-2", other))
        ]
        both: FailoverSender[EmailMessageToSend] = FailoverSender(senders, clock)
        inbox.reply_next("421 4.3.2 going down", at=SmtpStep.RCPT)
        first = await both.send(an_email())
        await inbox.stop()
        second = await both.send(an_email(message_id="c2@hearthgate.test"))
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert {first.provider, second.provider} == {"email-2"}
        assert [mail.message_id for mail in other.mails] == ["c1@hearthgate.test", "c2@hearthgate.test"]
        await both.close()


async def test_texts_go_over_http_while_the_smsc_is_down(smsc: Smsc) -> None:
    async with TextHttpServer() as server:
        smpp, http = parse_text_url(smsc.url), parse_text_url(server.url)
        assert isinstance(smpp, SmppEndpoint)
        assert isinstance(http, HttpTextEndpoint)
        await smsc.stop()
        both: FailoverSender[TextMessageToSend] = FailoverSender(
            [SmppTextSender(smpp, name="text-1"), HttpTextSender(http, name="text-2")], FakeClock()
        )
        outcome = await both.send(a_text())
        assert isinstance(outcome, Accepted)
        assert outcome.provider == "text-2"
        assert [text.text for text in server.texts] == [a_text().text]
        await both.close()

"""Texts over HTTP to a real server on loopback: what is sent, and what each answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.endpoints import HttpTextEndpoint, parse_text_url
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import Accepted, PermanentFailure, TemporaryFailure
from tests.integration.delivery.messages import NUMBER, a_text


@pytest.fixture
async def server() -> AsyncIterator[TextHttpServer]:
    """The provider."""
    async with TextHttpServer() as server:
        yield server


def a_sender(url: str, *, timeout: float = 5.0) -> HttpTextSender:
    """A sender to a URL."""
    endpoint = parse_text_url(url)
    assert isinstance(endpoint, HttpTextEndpoint)
    return HttpTextSender(endpoint, name="text-2", timeout=timeout)


async def test_a_text_is_posted_with_its_sender_its_callback_and_its_token(server: TextHttpServer) -> None:
    sender = a_sender(f"{server.url}&callback=https%3A%2F%2Fhooks.example%2Ftexts%3Fkey%3D1")
    message = a_text()
    message = type(message)(
        message_id=message.message_id, recipient=NUMBER, text="äöü €", callback_query={"delivery_id": "d 1"}
    )
    outcome = await sender.send(message)
    [text] = server.texts
    assert outcome == Accepted(provider="text-2", provider_reference=text.sid)
    assert (text.recipient, text.sender, text.text) == (NUMBER, "+12015550100", "äöü €")
    assert parse_qs(urlsplit(text.callback).query) == {"key": ["1"], "delivery_id": ["d 1"]}
    assert text.idempotency_token == message.message_id
    await sender.close()


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, 20429, TemporaryFailure(reason="http 429 code 20429", retry_after=timedelta(seconds=7))),
        (503, None, TemporaryFailure(reason="http 503", retry_after=timedelta(seconds=7))),
        (401, 20003, TemporaryFailure(reason="http 401 code 20003", retry_after=timedelta(seconds=30))),
        (400, 21606, TemporaryFailure(reason="http 400 code 21606", retry_after=timedelta(seconds=30))),
        (400, 21211, PermanentFailure(reason="http 400 code 21211 invalid number", about_recipient=True)),
        (400, 21610, PermanentFailure(reason="http 400 code 21610 opted out")),
        (302, None, TemporaryFailure(reason="http 302", retry_after=timedelta(seconds=30))),
    ],
)
async def test_each_answer_has_its_outcome_without_the_providers_words(
    server: TextHttpServer, status: int, code: int | None, outcome: object
) -> None:
    sender = a_sender(server.url)
    server.answer_next(status, code=code, headers=(("Retry-After", "7"), ("Location", "http://127.0.0.1:1/")))
    assert await sender.send(a_text()) == outcome
    assert not server.texts
    await sender.close()


@pytest.mark.parametrize("wait", ["9999999999999", "Fri, 31 Dec 2099 23:59:59 GMT", "-1", ""])
async def test_a_strange_time_to_wait_is_brought_to_reason(server: TextHttpServer, wait: str) -> None:
    sender = a_sender(server.url)
    server.answer_next(429, headers=(("Retry-After", wait),))
    outcome = await sender.send(a_text())
    assert isinstance(outcome, TemporaryFailure)
    assert outcome.retry_after is not None
    assert timedelta(seconds=1) <= outcome.retry_after <= timedelta(minutes=5)
    await sender.close()


async def test_a_silent_server_is_given_up_at_the_deadline(server: TextHttpServer) -> None:
    sender = a_sender(server.url, timeout=0.2)
    server.hang_next()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_lost_answer_is_a_temporary_failure_and_the_repeat_carries_the_same_token(
    server: TextHttpServer,
) -> None:
    sender = a_sender(server.url)
    server.drop_next()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    assert isinstance(await sender.send(a_text()), Accepted)
    first, second = server.texts
    assert first.idempotency_token == second.idempotency_token
    await sender.close()


async def test_an_answer_that_is_no_json_still_counts(server: TextHttpServer) -> None:
    sender = a_sender(server.url)
    await server.stop()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    await sender.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("twilio+https://host.example?from=x", "an account sid"),
        ("twilio+https://AC1:t@host.example", "the option from is needed"),
        ("twilio+http://AC1:secret-token@host.example?from=x", "this machine alone"),
        ("twilio+https://AC1:secret-token@host.example?from=x&callback=ftp%3A%2F%2Fx", "the callback must be a URL"),
        ("twilio+https://AC1:secret-token@host.example?from=x&callback=https%3A%2F%2F", "the callback must be a URL"),
        (
            "twilio+https://AC1:secret-token@host.example?from=x&callback=https%3A%2F%2F%5Bx",
            "the callback must be a URL",
        ),
        ("twilio+https://AC1:secret-token@host.example?from=x&callback=http%3A%2F%2Fx.example", "begins with https://"),
        ("twilio+https://AC1:secret-token@host.example?from=+15550001111", "its \\+ as %2B"),
        ("twilio+https://AC1:secret-token@host.example?from=A name too long", "the option from is needed"),
        ("twilio+https://AC1:secret-token@host.example?from=%00", "the option from is needed"),
        ("twilio+https://AC1:secret-token@host.example?from=x&from=y", "stands in it twice"),
        ("https://AC1:secret-token@host.example?from=x", r"must begin with smpp://, smpps:// or twilio\+https://"),
        ("twilio+https://AC/1:secret-token@host.example?from=x", "takes no path"),
        ("twilio+ftp://AC1:secret-token@host.example?from=x", "must begin with"),
    ],
)
def test_a_malformed_url_is_refused_without_its_secret(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_text_url(url)
    assert "HEARTHGATE_TEXT_URL" in str(caught.value)
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize("source", ["+12015550100", "12345", "Hearthgate", "My TV 24", "MG" + "a" * 32])
def test_numbers_short_codes_names_and_services_may_send(source: str) -> None:
    endpoint = parse_text_url(f"twilio+https://AC1:t@api.example?from={source.replace('+', '%2B')}")
    assert isinstance(endpoint, HttpTextEndpoint)
    assert endpoint.sender == source


def test_a_messaging_services_sid_goes_into_its_own_field() -> None:
    endpoint = parse_text_url(f"twilio+https://AC1:t@api.example?from=MG{'0' * 32}")
    assert isinstance(endpoint, HttpTextEndpoint)
    assert (endpoint.sender_field, endpoint.base_url) == ("MessagingServiceSid", "https://api.example")
    assert "AC1" not in repr(endpoint)


@pytest.mark.parametrize(
    "sid", [b"null", b"7", b'""', b'"SM1 +4915112345678"', b'"' + b"x" * 65 + b'"', b'"SM1"' + b" " * (1 << 20)]
)
async def test_an_id_that_is_none_is_replaced_by_our_own(server: TextHttpServer, sid: bytes) -> None:
    sender = a_sender(server.url)
    server.answer_raw_next(201, b'{"sid": ' + sid + b"}")
    assert await sender.send(a_text()) == Accepted(provider="text-2", provider_reference="c1")
    await sender.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[21211]", b"[" * 100_000, b'{"code": true}', b'{"code": 4915112345678}', b'{"code": "x"}'],
)
async def test_a_body_without_a_code_is_read_as_none(server: TextHttpServer, body: bytes) -> None:
    sender = a_sender(server.url)
    server.answer_raw_next(400, body)
    assert await sender.send(a_text()) == TemporaryFailure(reason="http 400", retry_after=timedelta(seconds=30))
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_proxy_of_the_environment_is_not_used(server: TextHttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sender = a_sender(server.url)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_no_log_holds_number_text_or_token(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with TextHttpServer(auth_token="hunter2") as server:
        sender = a_sender(server.url)
        server.answer_next(401, code=20003)
        await sender.send(a_text())
        await sender.send(a_text())
        await sender.close()
    written = caplog.text + "".join(capsys.readouterr())
    assert "refuses our account" in written
    assert not [each for each in (NUMBER, NUMBER[1:], "123456 ", "hunter2", "words of the") if each in written]

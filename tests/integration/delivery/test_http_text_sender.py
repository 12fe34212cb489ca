"""The HTTP adapter against a real provider that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from libs.runtime.clock import FakeClock
from libs.testing.fault_proxy import FaultProxy
from libs.testing.text_http import TextHttpServer
from services.challenge.delivery.http_endpoint import HttpTextEndpoint, parse_http_text_url
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import Accepted, PermanentFailure, TemporaryFailure, TextMessageToSend
from tests.integration.delivery.certificates import loopback_tls
from tests.integration.delivery.messages import NUMBER, a_text


@pytest.fixture
async def provider() -> AsyncIterator[TextHttpServer]:
    async with TextHttpServer(token="hunter2") as provider:
        yield provider


def a_sender(url: str, *, step_timeout: float = 5.0, send_timeout: float = 5.0, window: int = 4) -> HttpTextSender:
    return HttpTextSender(
        parse_http_text_url(url),
        clock=FakeClock(),
        name="text-2",
        step_timeout=step_timeout,
        send_timeout=send_timeout,
        window=window,
    )


async def test_a_text_arrives_and_its_provider_names_it(provider: TextHttpServer) -> None:
    sender = a_sender(provider.url)
    outcome = await sender.send(a_text(text="Grüße 👩‍👧 & 1+1=2"))
    text = provider.texts[0]
    assert outcome == Accepted(provider_reference=text.sid, provider="text-2")
    assert (text.destination, text.text, text.source) == (NUMBER, "Grüße 👩‍👧 & 1+1=2", "+15550001111")
    assert (text.service, text.callback) == ("", "")
    await sender.close()


async def test_a_service_takes_the_place_of_a_number_and_the_callback_tells_what_it_is_about(
    provider: TextHttpServer,
) -> None:
    sender = a_sender(provider.url_with(service="MG77", callback="https://hearthgate.test/receipts?provider=a%2Bb"))
    message = TextMessageToSend(
        message_id="c1", recipient=NUMBER, text="x", callback_query={"delivery": "d/1", "account": "ü"}
    )
    await sender.send(message)
    text = provider.texts[0]
    assert (text.source, text.service) == ("", "MG77")
    assert text.callback == "https://hearthgate.test/receipts?provider=a%2Bb&delivery=d%2F1&account=%C3%BC"
    await sender.close()


@pytest.mark.parametrize(
    ("code", "dead"),
    [
        (21211, True), (21214, True), (21217, True), (21265, True), (21614, True), (21635, True),
        (21408, False), (21610, False), (21612, False), (21617, False),
    ],
)  # fmt: skip
async def test_a_refusal_is_permanent_and_tells_dead_numbers_apart(
    provider: TextHttpServer, code: int, dead: bool
) -> None:
    sender = a_sender(provider.url)
    provider.refuse_next(code, message=f"The 'To' number {NUMBER} is not valid")
    outcome = await sender.send(a_text())
    assert outcome == PermanentFailure(reason=f"http 400 code {code}", about_recipient=dead)
    await sender.close()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"code": 21606}, "http 400 code 21606"),
        (401, {"code": 20003}, "http 401 code 20003"),
        (403, {"code": 21211}, "http 403 code 21211"),
        (404, b"<html>", "http 404"),
        (400, {"code": NUMBER}, "http 400"),
        (400, [NUMBER], "http 400"),
        (400, b"[" * 60000, "http 400"),
        (302, {"code": 1}, "http 302 code 1"),
    ],
)
async def test_what_the_operator_has_to_mend_is_temporary_and_logged(
    provider: TextHttpServer,
    status: int,
    body: object,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sender = a_sender(provider.url)
    provider.reply_next(status, body, headers={"Location": "http://127.0.0.1:1/"})
    outcome = await sender.send(a_text())
    assert outcome == TemporaryFailure(reason=reason, retry_after=timedelta(seconds=30))
    written = "".join(capsys.readouterr())
    assert "text provider refuses this account" in written
    assert not [each for each in (NUMBER, "123456", "hunter2") if each in written + caplog.text]
    await sender.close()


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        ("86400", 300),
        ("9" * 5000, 300),
        ("soon", 30),
        ("-1", 30),
        ("Tue, 01 Jan 2030 00:00:20 GMT", 20),
        ("Tue, 01 Jan 2019 00:00:20 GMT", 0),
        ("Tue, 01 Jan 2031 00:00:20 GMT", 300),
        (None, 30),
    ],
)
async def test_a_provider_that_has_too_much_to_do_says_when_to_come_back(
    provider: TextHttpServer, status: int, retry_after: str | None, seconds: int
) -> None:
    sender = a_sender(provider.url)
    provider.reply_next(status, {"code": 20429}, headers={"Retry-After": retry_after} if retry_after else {})
    outcome = await sender.send(a_text())
    assert outcome == TemporaryFailure(reason=f"http {status} code 20429", retry_after=timedelta(seconds=seconds))
    await sender.close()


@pytest.mark.parametrize("kept", [False, True])
async def test_a_connection_dropped_after_the_text_is_temporary(provider: TextHttpServer, kept: bool) -> None:
    sender = a_sender(provider.url)
    provider.drop_after_body(keep=kept)
    outcome = await sender.send(a_text())
    assert outcome == TemporaryFailure(reason="http connection failed", retry_after=timedelta(seconds=30))
    assert isinstance(await sender.send(a_text()), Accepted)
    assert len(provider.texts) == (2 if kept else 1)
    await sender.close()


@pytest.mark.parametrize("deadline", ["step_timeout", "send_timeout"])
async def test_a_provider_that_hangs_is_temporary_when_the_time_is_over(
    provider: TextHttpServer, deadline: str
) -> None:
    sender = a_sender(provider.url, **{deadline: 0.1})  # type: ignore[arg-type]
    provider.hang_next()
    outcome = await sender.send(a_text())
    assert outcome == TemporaryFailure(
        reason="no answer from the text provider in time", retry_after=timedelta(seconds=30)
    )
    assert isinstance(await sender.send(a_text(message_id="c2")), Accepted)
    await sender.close()


async def test_a_stalled_network_is_temporary_when_the_step_is_over(provider: TextHttpServer) -> None:
    async with FaultProxy(provider.host, provider.port) as proxy:
        proxy.stall()
        sender = a_sender(provider.url.replace(f":{provider.port}", f":{proxy.port}"), step_timeout=0.1)
        assert isinstance(await sender.send(a_text()), TemporaryFailure)
        await sender.close()


async def test_an_answer_without_end_is_not_read_to_its_end(provider: TextHttpServer) -> None:
    sender = a_sender(provider.url)
    provider.reply_next(201, b'{"sid": "SM1"' + b" " * (1 << 20))
    assert await sender.send(a_text()) == Accepted(provider_reference="c1", provider="text-2")
    await sender.close()


@pytest.mark.parametrize("sid", [None, 7, "", f"SM {NUMBER}", "x" * 65])
async def test_an_id_that_is_none_is_replaced_by_our_own(provider: TextHttpServer, sid: object) -> None:
    sender = a_sender(provider.url)
    provider.reply_next(201, {"sid": sid})
    assert await sender.send(a_text()) == Accepted(provider_reference="c1", provider="text-2")
    await sender.close()


async def test_connections_are_used_again_and_no_more_are_opened_than_the_window_holds(
    provider: TextHttpServer,
) -> None:
    sender = a_sender(provider.url, window=3)
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=f"c{number}")) for number in range(20)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert provider.connections_accepted <= 3
    await sender.close()


async def test_closing_waits_for_what_is_under_way(provider: TextHttpServer) -> None:
    sender = a_sender(provider.url, send_timeout=0.2)
    provider.hang_next()
    sending = asyncio.create_task(sender.send(a_text()))
    await provider.wait_until_hanging()
    await sender.close()
    assert isinstance(await sending, TemporaryFailure)


async def test_a_proxy_of_the_environment_gets_no_token(
    provider: TextHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sender = a_sender(provider.url)
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_certificate_that_is_not_trusted_is_not_accepted(tmp_path: Path) -> None:
    server_tls, client_tls = loopback_tls(tmp_path)
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(1))
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"sid": "SM1"}')
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_tls)
    endpoint = HttpTextEndpoint(
        origin=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        account="AC1",
        token="t",
        source="+15550001111",
    )
    stranger = HttpTextSender(endpoint, clock=FakeClock())
    assert isinstance(await stranger.send(a_text()), TemporaryFailure)
    assert received == []
    trusting = HttpTextSender(endpoint, clock=FakeClock(), tls_context=client_tls)
    assert await trusting.send(a_text()) == Accepted(provider_reference="SM1", provider="http")
    await stranger.close()
    await trusting.close()
    server.close()
    await server.wait_closed()

"""The SMPP adapter against a real SMSC that misbehaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from libs.testing.fault_proxy import FaultProxy
from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import CommandStatus
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, PermanentFailure, TemporaryFailure
from services.challenge.delivery.smpp import SmppTextSender
from tests.integration.delivery.messages import NUMBER, a_text


def a_sender(
    url: str, *, bind_timeout: float = 5.0, submit_timeout: float = 5.0, backoff: float = 0.0
) -> SmppTextSender:
    return SmppTextSender(
        parse_smpp_url(url),
        bind_timeout=bind_timeout,
        sessions=1,
        submit_timeout=submit_timeout,
        first_pause=timedelta(milliseconds=10),
        first_backoff=timedelta(seconds=backoff),
    )


async def test_a_text_names_its_source_and_its_provider_names_it(smsc: Smsc) -> None:
    sender = a_sender(f"{smsc.url}?source=Hearthgate")
    outcome = await sender.send(a_text())
    text = await smsc.wait_for(NUMBER)
    assert outcome == Accepted(provider_reference=text.message_id, provider="smpp")
    assert (text.source, text.parts, text.data_coding) == ("Hearthgate", 1, 0)
    await sender.close()


async def test_a_numeric_source_stays_international(smsc: Smsc) -> None:
    sender = a_sender(f"{smsc.url}?source=%2B4915100000000")
    await sender.send(a_text())
    assert smsc.texts[0].source == "+4915100000000"
    await sender.close()


@pytest.mark.parametrize(
    ("text", "parts", "data_coding"),
    [
        ("x" * 160, 1, 0),
        ("x" * 161, 2, 0),
        ("€" * 80, 1, 0),
        ("€" * 81, 2, 0),
        ("字" * 70, 1, 8),
        ("字" * 71, 2, 8),
        ("x" * 69 + "🎬", 2, 8),
        ("字" * 65 + "🎬" * 5, 2, 8),
    ],
)
async def test_a_long_text_is_cut_between_characters_and_put_together_again(
    smsc: Smsc, text: str, parts: int, data_coding: int
) -> None:
    sender = a_sender(smsc.url)
    await sender.send(a_text(text=text))
    received = await smsc.wait_for(NUMBER)
    assert (received.text, received.parts, received.data_coding) == (text, parts, data_coding)
    await sender.close()


async def test_long_texts_under_way_together_do_not_mix(smsc: Smsc) -> None:
    sender = a_sender(smsc.url)
    texts = [f"{n}".ljust(300, "x") for n in range(20)]
    outcomes = await asyncio.gather(*(sender.send(a_text(message_id=t[:3], text=t)) for t in texts))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert {text.text for text in smsc.texts} == set(texts)
    assert smsc.binds_accepted == 1
    await sender.close()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (
            CommandStatus.SYSTEM_ERROR,
            TemporaryFailure(reason="smpp 0x08 not accepted", retry_after=timedelta(seconds=30)),
        ),
        (CommandStatus.INVALID_DESTINATION, PermanentFailure(reason="smpp 0x0b destination", about_recipient=True)),
        (0x50, PermanentFailure(reason="smpp 0x50 destination type")),
        (0x66, PermanentFailure(reason="smpp 0x66 rejected by the receiver")),
        (0x01, PermanentFailure(reason="smpp 0x01 message length")),
        (0x0400, TemporaryFailure(reason="smpp 0x400 not accepted", retry_after=timedelta(seconds=30))),
    ],
)
async def test_a_status_maps_to_an_outcome(
    smsc: Smsc, status: int, outcome: TemporaryFailure | PermanentFailure
) -> None:
    sender = a_sender(smsc.url)
    smsc.reject_next(status)
    assert await sender.send(a_text()) == outcome
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_refused_bind_is_temporary_until_it_is_accepted(smsc: Smsc) -> None:
    smsc.refuse_binds()
    sender = a_sender(smsc.url, bind_timeout=0.2)
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "the text provider refused or did not answer the bind"
    smsc.release()
    assert isinstance(await sender.send(a_text()), Accepted)
    await sender.close()


async def test_a_wrong_password_does_not_bind_and_is_told_to_nobody(
    smsc: Smsc, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"smpp://hearthgate:hunter2@127.0.0.1:{smsc.port}"
    sender = a_sender(url, bind_timeout=0.2)
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert smsc.binds_accepted == 0
    assert "hunter2" not in f"{failure} {caplog.text} {parse_smpp_url(url)!r}"
    await sender.close()


async def test_an_smsc_that_is_down_is_temporary_and_one_that_is_back_gets_the_text(smsc: Smsc) -> None:
    sender = a_sender(smsc.url)
    assert isinstance(await sender.send(a_text()), Accepted)
    await smsc.stop()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "the text provider cannot be reached"
    await smsc.start()
    assert isinstance(await sender.send(a_text()), Accepted)
    assert smsc.binds_accepted == 2
    await sender.close()


async def test_after_a_failed_bind_sends_fail_at_once_and_say_how_long_to_wait(smsc: Smsc) -> None:
    await smsc.stop()
    sender = a_sender(smsc.url, backoff=60)
    await sender.send(a_text())
    await smsc.start()
    failure = await sender.send(a_text())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "the text provider could not be bound lately"
    assert failure.retry_after is not None
    assert failure.retry_after > timedelta(seconds=50)
    assert smsc.binds_accepted == 0
    await sender.close()


@pytest.mark.parametrize("kept", [False, True])
async def test_a_session_dropped_after_a_submit_is_temporary_and_the_repeat_arrives(smsc: Smsc, kept: bool) -> None:
    sender = a_sender(smsc.url)
    smsc.drop_after_submit(keep=kept)
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    assert isinstance(await sender.send(a_text()), Accepted)
    assert len(smsc.texts) == (2 if kept else 1)
    await sender.close()


async def test_an_smsc_that_hangs_is_temporary_and_its_session_is_replaced(smsc: Smsc) -> None:
    sender = a_sender(smsc.url, submit_timeout=0.1)
    smsc.hang_next()
    assert isinstance(await sender.send(a_text()), TemporaryFailure)
    assert isinstance(await sender.send(a_text()), Accepted)
    assert smsc.binds_accepted == 2
    await sender.close()


async def test_a_network_that_resets_is_survived(smsc: Smsc) -> None:
    async with FaultProxy(smsc.host, smsc.port) as proxy:
        sender = a_sender(f"smpp://{smsc.system_id}:{smsc.password}@127.0.0.1:{proxy.port}")
        assert isinstance(await sender.send(a_text()), Accepted)
        await proxy.refuse()
        await proxy.reset()
        assert isinstance(await sender.send(a_text()), TemporaryFailure)
        assert isinstance(await sender.send(a_text()), TemporaryFailure)
        await proxy.resume()
        assert isinstance(await sender.send(a_text()), Accepted)
        await sender.close()


async def test_a_part_of_a_long_text_that_is_throttled_fails_it_and_the_repeat_completes_it(smsc: Smsc) -> None:
    sender = a_sender(smsc.url)
    smsc.reject_next(CommandStatus.OK)
    smsc.throttle_next()
    assert isinstance(await sender.send(a_text(text="x" * 300)), TemporaryFailure)
    assert smsc.position == 0
    assert isinstance(await sender.send(a_text(text="x" * 300)), Accepted)
    assert [received.text for received in smsc.texts] == ["x" * 300]
    await sender.close()


async def test_nothing_of_a_text_or_its_number_is_logged(smsc: Smsc, caplog: pytest.LogCaptureFixture) -> None:
    sender = a_sender(smsc.url)
    smsc.throttle_next()
    message = a_text()
    await sender.send(message)
    await sender.send(message)
    await sender.close()
    assert len(smsc.texts) == 1
    assert "Your code" not in f"{caplog.text} {message!r} {smsc.texts!r}"
    assert NUMBER not in f"{caplog.text} {message!r}"

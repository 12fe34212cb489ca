"""The SMTP adapter against a real mail server that misbehaves."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from libs.runtime.clock import FakeClock
from libs.testing.fault_proxy import FaultProxy
from libs.testing.smtp import SmtpInbox, SmtpStep
from services.challenge.delivery.endpoints import parse_smtp_url
from services.challenge.delivery.port import Accepted, PermanentFailure, TemporaryFailure
from services.challenge.delivery.smtp import SmtpEmailSender
from tests.integration.delivery.certificates import loopback_tls
from tests.integration.delivery.messages import RECIPIENT, an_email


def a_sender(
    url: str, *, tls: ssl.SSLContext | None = None, step_timeout: float = 5.0, pool_size: int = 2
) -> SmtpEmailSender:
    return SmtpEmailSender(
        parse_smtp_url(url),
        sender="Hearthgate <no-reply@hearthgate.test>",
        clock=FakeClock(),
        tls_context=tls,
        step_timeout=step_timeout,
        pool_size=pool_size,
    )


async def test_an_email_says_who_sent_it_when_and_that_a_machine_did(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url)
    outcome = await sender.send(an_email(headers={"List-Unsubscribe": "<https://hearthgate.test/u>"}))
    mail = await inbox.wait_for(RECIPIENT)
    headers = dict(mail.headers)
    assert outcome == Accepted(provider="smtp", provider_reference="00000001")
    assert mail.sender == "no-reply@hearthgate.test"
    assert headers["From"] == "Hearthgate <no-reply@hearthgate.test>"
    assert headers["Date"] == "Tue, 01 Jan 2030 00:00:00 +0000"
    assert headers["Message-ID"] == "<c1@hearthgate.test>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Content-Type"].startswith("multipart/alternative")
    assert headers["List-Unsubscribe"] == "<https://hearthgate.test/u>"
    await sender.close()


async def test_a_repeat_is_the_same_bytes(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url)
    await sender.send(an_email(text="Grüße"))
    await sender.send(an_email(text="Grüße"))
    first, second = inbox.mails
    assert first.raw == second.raw
    await sender.close()


async def test_a_bare_message_id_gets_the_senders_domain(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url)
    await sender.send(an_email(message_id="0192f5d0"))
    assert inbox.mails[0].message_id == "0192f5d0@hearthgate.test"
    await sender.close()


async def test_international_addresses_arrive(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url)
    await sender.send(an_email(recipient="ada@bücher.example"))
    await sender.send(an_email(recipient="jürgen@example.test"))
    assert [mail.recipients for mail in inbox.mails] == [("ada@xn--bcher-kva.example",), ("jürgen@example.test",)]
    await sender.close()


@pytest.mark.parametrize("step", list(SmtpStep))
@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        ("451 4.3.0 later <ada@example.test>", TemporaryFailure, "smtp 451 4.3.0"),
        ("550 5.1.1 no <ada@example.test>", PermanentFailure, "smtp 550 5.1.1"),
        ("421 closing", TemporaryFailure, "smtp 421"),
    ],
)
async def test_an_answer_maps_to_an_outcome_that_names_no_address(
    inbox: SmtpInbox,
    step: SmtpStep,
    reply: str,
    outcome: type[TemporaryFailure | PermanentFailure],
    status: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = a_sender(inbox.url)
    inbox.reply_next(reply, at=step)
    failure = await sender.send(an_email())
    assert isinstance(failure, outcome)
    assert failure.reason == f"{status} at {step}"
    assert isinstance(await sender.send(an_email()), Accepted)
    assert "ada@" not in caplog.text
    assert "123456" not in caplog.text
    await sender.close()


@pytest.mark.parametrize(
    ("reply", "step", "dead"),
    [
        ("553 5.1.3 bad address", SmtpStep.MAIL, False),
        ("550 5.1.1 unknown", SmtpStep.MAIL, False),
        ("550 5.1.1 unknown", SmtpStep.RCPT, True),
        ("550 refused", SmtpStep.DATA, False),
    ],
)
async def test_a_refusal_of_our_own_address_is_no_word_on_the_recipients(
    inbox: SmtpInbox, reply: str, step: SmtpStep, dead: bool
) -> None:
    sender = a_sender(inbox.url)
    inbox.reply_next(reply, at=step)
    failure = await sender.send(an_email())
    assert isinstance(failure, PermanentFailure)
    assert failure.about_recipient == dead
    await sender.close()


@pytest.mark.parametrize(
    ("reply", "step", "outcome"),
    [
        ("552 no room", SmtpStep.RCPT, TemporaryFailure),
        ("552 5.2.2 mailbox full", SmtpStep.RCPT, TemporaryFailure),
        ("552 5.2.2 mailbox full", SmtpStep.DATA, TemporaryFailure),
        ("552 5.3.4 too big", SmtpStep.DATA, PermanentFailure),
        ("552 no room", SmtpStep.DATA, PermanentFailure),
    ],
)
async def test_a_full_mailbox_is_tried_again_and_a_message_that_is_too_big_is_not(
    inbox: SmtpInbox, reply: str, step: SmtpStep, outcome: type[TemporaryFailure | PermanentFailure]
) -> None:
    """Neither is a word on the address."""
    sender = a_sender(inbox.url)
    inbox.reply_next(reply, at=step)
    failure = await sender.send(an_email())
    assert isinstance(failure, outcome)
    assert not getattr(failure, "about_recipient", False)
    await sender.close()


@pytest.mark.parametrize("kept", [False, True])
async def test_a_connection_dropped_after_data_is_temporary_and_the_repeat_has_the_same_id(
    inbox: SmtpInbox, kept: bool
) -> None:
    sender = a_sender(inbox.url)
    await sender.send(an_email(message_id="warm@hearthgate.test"))
    inbox.drop_after_data(keep=kept)
    assert await sender.send(an_email()) == TemporaryFailure(
        reason="smtp connection failed at DATA", retry_after=timedelta(seconds=5)
    )
    assert isinstance(await sender.send(an_email()), Accepted)
    ids = [mail.message_id for mail in inbox.mails]
    assert ids == ["warm@hearthgate.test"] + ["c1@hearthgate.test"] * (2 if kept else 1)
    await sender.close()


async def test_a_server_that_is_down_is_temporary_and_one_that_is_back_gets_the_email(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url)
    assert isinstance(await sender.send(an_email()), Accepted)
    await inbox.stop()
    failure = await sender.send(an_email())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "smtp connection failed at connect"
    await inbox.start()
    assert isinstance(await sender.send(an_email()), Accepted)
    await sender.close()


async def test_a_pooled_connection_that_dies_when_it_is_used_again_costs_no_email(inbox: SmtpInbox) -> None:
    async with FaultProxy(inbox.host, inbox.port) as proxy:
        sender = a_sender(f"smtp://127.0.0.1:{proxy.port}")
        await sender.send(an_email())
        proxy.truncate(proxy.answered_bytes)
        assert isinstance(await sender.send(an_email()), Accepted)
        assert proxy.connections_accepted == 2
        await sender.close()


async def test_connections_are_used_again_and_no_more_are_opened_than_the_pool_holds(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url, pool_size=3)
    outcomes = await asyncio.gather(*(sender.send(an_email(message_id=f"c{n}@hearthgate.test")) for n in range(20)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(inbox.mails) == 20
    assert inbox.connections_accepted <= 3
    await sender.close()


async def test_a_server_that_hangs_is_temporary_when_the_step_is_over(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url, step_timeout=0.1)
    inbox.hang_next()
    failure = await sender.send(an_email())
    assert isinstance(failure, TemporaryFailure)
    assert failure.reason == "smtp connection timed out at DATA"
    await sender.close()


async def test_a_send_that_is_cancelled_leaves_no_half_used_connection(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url, pool_size=1)
    inbox.hang_next()
    sending = asyncio.create_task(sender.send(an_email()))
    await inbox.wait_until_hanging()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert isinstance(await sender.send(an_email(message_id="c2@hearthgate.test")), Accepted)
    assert [mail.message_id for mail in inbox.mails] == ["c2@hearthgate.test"]
    assert inbox.connections_open == 1
    await sender.close()


async def test_a_stalled_network_is_temporary_when_the_step_is_over(inbox: SmtpInbox) -> None:
    async with FaultProxy(inbox.host, inbox.port) as proxy:
        proxy.stall()
        sender = a_sender(f"smtp://127.0.0.1:{proxy.port}", step_timeout=0.1)
        failure = await sender.send(an_email())
        assert isinstance(failure, TemporaryFailure)
        assert failure.reason == "smtp connection timed out at connect"
        await sender.close()


async def test_a_wrong_password_is_temporary_and_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with SmtpInbox(username="hearthgate", password="right") as inbox:
        sender = a_sender(f"smtp://hearthgate:hunter2@127.0.0.1:{inbox.port}")
        failure = await sender.send(an_email())
        assert isinstance(failure, TemporaryFailure)
        assert failure.reason.startswith("smtp 535")
        assert "hunter2" not in f"{failure} {caplog.text} {parse_smtp_url(f'smtp://a:hunter2@h:{inbox.port}')!r}"
        await sender.close()


async def test_a_login_is_made_where_the_url_holds_one() -> None:
    async with SmtpInbox(username="hearth gate", password="p@ss/word") as inbox:
        sender = a_sender(inbox.url)
        assert isinstance(await sender.send(an_email()), Accepted)
        await sender.close()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_connection_is_encrypted(tmp_path: Path, scheme: str) -> None:
    server_tls, client_tls = loopback_tls(tmp_path)
    option = "?starttls=required" if scheme == "smtp" else ""
    async with SmtpInbox(tls_context=server_tls, implicit_tls=scheme == "smtps") as inbox:
        sender = a_sender(inbox.url + option, tls=client_tls)
        assert isinstance(await sender.send(an_email()), Accepted)
        assert inbox.mails[0].encrypted
        await sender.close()


async def test_no_email_leaves_in_clear_where_encryption_is_required(inbox: SmtpInbox) -> None:
    sender = a_sender(inbox.url + "?starttls=required")
    assert isinstance(await sender.send(an_email()), TemporaryFailure)
    assert inbox.mails == ()
    await sender.close()


async def test_a_certificate_that_is_not_trusted_is_not_accepted(tmp_path: Path) -> None:
    server_tls, _ = loopback_tls(tmp_path)
    async with SmtpInbox(tls_context=server_tls) as inbox:
        sender = a_sender(inbox.url)
        assert isinstance(await sender.send(an_email()), TemporaryFailure)
        assert inbox.mails == ()
        await sender.close()


async def test_a_senders_name_in_any_script_arrives(inbox: SmtpInbox) -> None:
    name = "Fernsehen für die Tür, GmbH"
    sender = SmtpEmailSender(
        parse_smtp_url(inbox.url), sender=f'"{name}" <no-reply@hearthgate.test>', clock=FakeClock()
    )
    await sender.send(an_email())
    assert dict(inbox.mails[0].headers)["From"] == f'"{name}" <no-reply@hearthgate.test>'
    await sender.close()


def test_a_malformed_sender_ends_the_start() -> None:
    with pytest.raises(ValueError, match="addr-spec"):
        SmtpEmailSender(parse_smtp_url("smtp://localhost"), sender="Hearthgate", clock=FakeClock())

"""The local mail server, spoken to by the standard library's mail client."""

from __future__ import annotations

import asyncio
import smtplib

import pytest

from libs.testing.smtp import ReceivedMail, SmtpInbox, SmtpStep

ADA, GRACE = "ada@example.test", "grace@example.test"


def send(inbox: SmtpInbox, recipient: str, text: str) -> None:
    with smtplib.SMTP(inbox.host, inbox.port, local_hostname="localhost", timeout=5) as client:
        client.sendmail("me@example.test", [recipient], f"Subject: Hello\r\nMessage-ID: <m1@x>\r\n\r\n{text}\r\n")


async def test_a_wait_ends_with_the_mail_that_arrives_later() -> None:
    async with SmtpInbox() as inbox:
        waiting = asyncio.create_task(inbox.wait_for(ADA, lambda mail: "second" in mail.text))
        await asyncio.to_thread(send, inbox, ADA, "first")
        await asyncio.to_thread(send, inbox, ADA, "second")
        mail = await waiting
        assert (mail.text, mail.subject, mail.message_id, mail.sequence) == ("second\n", "Hello", "m1@x", 2)
        assert mail.sender == "me@example.test"
        assert not mail.encrypted


async def test_a_wait_can_begin_after_what_has_already_arrived() -> None:
    async with SmtpInbox() as inbox:
        await asyncio.to_thread(send, inbox, ADA, "first")
        position = inbox.position
        await asyncio.to_thread(send, inbox, ADA, "second")
        assert (await inbox.wait_for(ADA, since=position)).text == "second\n"


async def test_a_wait_that_times_out_says_what_it_looked_for_and_no_address() -> None:
    async with SmtpInbox() as inbox:
        await asyncio.to_thread(send, inbox, GRACE, "hello")
        expected = r"^no mail to the one looked for at example\.test within 0\.01 s; 1 others arrived$"
        with pytest.raises(TimeoutError, match=expected):
            await inbox.wait_for(ADA, timeout=0.01)


async def test_each_mail_is_shown_and_only_the_last_are_kept() -> None:
    shown: list[ReceivedMail] = []
    async with SmtpInbox(capacity=2, on_mail=shown.append) as inbox:
        for text in ("1", "2", "3"):
            await asyncio.to_thread(send, inbox, ADA, text)
        assert [mail.text for mail in shown] == ["1\n", "2\n", "3\n"]
        assert [mail.text for mail in inbox.mails] == ["2\n", "3\n"]
        inbox.clear()
        assert inbox.mails == ()


async def test_a_scripted_answer_is_given_as_often_as_asked() -> None:
    async with SmtpInbox() as inbox:
        inbox.reply_next("550 5.1.1 unknown", at=SmtpStep.RCPT, times=2)
        for _ in range(2):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                await asyncio.to_thread(send, inbox, ADA, "x")
        await asyncio.to_thread(send, inbox, ADA, "x")
        assert len(inbox.mails) == 1


async def test_a_mail_that_hangs_is_kept_and_answered_when_released() -> None:
    async with SmtpInbox() as inbox:
        inbox.hang_next()
        sending = asyncio.create_task(asyncio.to_thread(send, inbox, ADA, "hangs"))
        with pytest.raises(TimeoutError):
            await inbox.wait_for(ADA, timeout=0.05)
        assert not sending.done()
        inbox.release()
        assert (await inbox.wait_for(ADA)).text == "hangs\n"
        await sending


async def test_the_port_stays_when_the_server_goes_down_and_comes_back() -> None:
    async with SmtpInbox() as inbox:
        port = inbox.port
        await inbox.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(send, inbox, ADA, "x")
        await inbox.start()
        assert inbox.port == port
        await asyncio.to_thread(send, inbox, ADA, "x")
        assert len(inbox.mails) == 1


async def test_a_server_with_a_password_takes_no_mail_without_a_login() -> None:
    async with SmtpInbox(username="u", password="p") as inbox:
        with pytest.raises(smtplib.SMTPSenderRefused):
            await asyncio.to_thread(send, inbox, ADA, "x")
        assert inbox.mails == ()

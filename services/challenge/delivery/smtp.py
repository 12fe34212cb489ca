"""Emails over SMTP."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from email.utils import formataddr, parseaddr
from enum import StrEnum
from typing import Final

import aiosmtplib

from libs.runtime.clock import Clock
from libs.runtime.errors import invalid_field
from services.challenge.delivery.checks import check_email
from services.challenge.delivery.dkim import DkimSigner
from services.challenge.delivery.email_content import EncodedEmail, encode_email
from services.challenge.delivery.endpoints import SmtpEndpoint
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    EmailMessageToSend,
    PermanentFailure,
    TemporaryFailure,
)
from services.challenge.delivery.smtp_pool import PooledConnection, SmtpPool

_BUSY_RETRY: Final = timedelta(seconds=30)
_CONNECT_RETRY: Final = timedelta(seconds=5)
_ENHANCED_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_DEAD_ADDRESS: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_MAILBOX_FULL: Final = frozenset({"5.2.2"})
"""Its owner may make room, whatever the first digit says."""
_NO_ROOM: Final = 552
_NO_MAILBOX: Final = frozenset({550, 551})
_QUEUE_ID: Final = re.compile(r"queued as ([A-Za-z0-9.-]{1,64})", re.IGNORECASE)


class _Step(StrEnum):
    CONNECT = "connect"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"


class _StaleConnectionError(Exception):
    """A pooled connection turned out dead before the server took anything."""


class SmtpEmailSender:
    """An ``EmailSender`` over a pool of SMTP connections.

    ``sender`` is the From header, ``Name <address>`` or an address. Each step has ``step_timeout`` seconds, the
    whole of a send ``send_timeout``. A 4xx answer, a lost connection and a timeout are temporary failures, and
    so is a refusal before the message was named (greeting, TLS, login), which is the operator's to mend. A 5xx
    answer to the message itself is permanent. When the connection is lost after DATA the server may have taken
    the email: the repeat carries the same Message-ID.
    """

    def __init__(
        self,
        endpoint: SmtpEndpoint,
        *,
        name: str = "smtp",
        sender: str,
        clock: Clock,
        signer: DkimSigner | None = None,
        pool_size: int = 4,
        step_timeout: float = 10.0,
        send_timeout: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        display_name, self._envelope_sender = parseaddr(sender)
        # Checks the address, which comes from the settings: ValueError.
        self._domain = Address(addr_spec=self._envelope_sender).domain
        self._from = formataddr((display_name, self._envelope_sender), charset="utf-8")
        self._clock = clock
        self._signer = signer
        self._send_timeout = send_timeout
        self._pool = SmtpPool(endpoint, size=pool_size, step_timeout=step_timeout, tls_context=tls_context)
        self._closed = False

    async def send(self, message: EmailMessageToSend) -> DeliveryOutcome:
        """See ``EmailSender.send``."""
        check_email(message)
        if self._closed:
            return TemporaryFailure(reason="the email sender is closed")
        email = self._encode(message)
        try:
            async with asyncio.timeout(self._send_timeout):
                if self._signer is not None:
                    email = replace(email, content=await self._signer.sign(email.content))
                return await self._send_on_live_connection(email)
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the mail server in time", retry_after=_BUSY_RETRY)

    async def close(self) -> None:
        """See ``EmailSender.close``."""
        self._closed = True
        await self._pool.close()

    def _encode(self, message: EmailMessageToSend) -> EncodedEmail:
        try:
            return encode_email(message, sender=self._from, sender_domain=self._domain, sent_at=self._clock.now())
        except UnicodeError:
            raise invalid_field("recipient", "has a domain that cannot be written in ASCII") from None

    async def _send_on_live_connection(self, email: EncodedEmail) -> DeliveryOutcome:
        try:
            return await self._send_once(email, fresh=False)
        except _StaleConnectionError:
            return await self._send_once(email, fresh=True)

    def _named(self, outcome: DeliveryOutcome) -> DeliveryOutcome:
        return replace(outcome, provider=self._name) if isinstance(outcome, Accepted) else outcome

    async def _send_once(self, email: EncodedEmail, *, fresh: bool) -> DeliveryOutcome:
        step = _Step.CONNECT
        try:
            async with self._pool.lend(fresh=fresh) as connection:
                transfer = _Transfer(connection, self._envelope_sender, email)
                try:
                    return self._named(await transfer.run())
                finally:
                    step = transfer.step
        except aiosmtplib.SMTPResponseException as refusal:
            return _refused(refusal, step)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _broken(error, step)


class _Transfer:
    """One mail transaction; ``step`` tells how far it came."""

    def __init__(self, connection: PooledConnection, sender: str, email: EncodedEmail) -> None:
        self._client = connection.client
        self._reused = connection.reused
        self._sender = sender
        self._email = email
        self._encoding = "utf-8" if email.needs_utf8 else "ascii"
        self.step = _Step.MAIL

    async def run(self) -> DeliveryOutcome:
        """Hand the email over; raises what aiosmtplib raises when the connection breaks, or that it was stale."""
        try:
            return await self._transfer()
        except aiosmtplib.SMTPResponseException as refusal:
            # Refused politely: the connection stays good for the next email. Where it does not, it is not pooled.
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._client.rset()
            return _refused(refusal, self.step)
        except aiosmtplib.SMTPServerDisconnected:
            if self._reused and self.step is not _Step.DATA:
                raise _StaleConnectionError from None
            raise

    async def _transfer(self) -> DeliveryOutcome:
        if self._email.needs_utf8 and not await self._speaks_utf8():
            return PermanentFailure(reason="the mail server cannot carry this kind of address")
        options = ["SMTPUTF8"] if self._email.needs_utf8 else []
        await self._client.mail(self._sender, options=options, encoding=self._encoding)
        self.step = _Step.RCPT
        await self._client.rcpt(self._email.recipient, encoding=self._encoding)
        self.step = _Step.DATA
        response = await self._client.data(self._email.content)
        queued = _QUEUE_ID.search(response.message)
        return Accepted(provider_reference=queued.group(1) if queued else self._email.message_id)

    async def _speaks_utf8(self) -> bool:
        if self._client.is_ehlo_or_helo_needed:
            await self._client.ehlo()
        return self._client.supports_extension("smtputf8")


def _refused(refusal: aiosmtplib.SMTPResponseException, step: _Step) -> DeliveryOutcome:
    # The server's words may repeat the address; its codes cannot.
    status = _ENHANCED_STATUS.match(refusal.message)
    detail = status.group() if status else ""
    reason = " ".join(filter(None, ("smtp", str(refusal.code), detail, f"at {step}")))
    if step is _Step.CONNECT or not 500 <= refusal.code < 600 or _is_full(refusal.code, detail, step):
        return TemporaryFailure(reason=reason, retry_after=_BUSY_RETRY)
    # After MAIL, 5.1.x and 550 speak of our own address: the recipient's was not named yet.
    dead = step is not _Step.MAIL and is_dead_address(refusal.code, detail, at_rcpt=step is _Step.RCPT)
    return PermanentFailure(reason=reason, about_recipient=dead)


def _is_full(code: int, enhanced_status: str, step: _Step) -> bool:
    """Whether there is no room just now.

    A bare 552 to RCPT is temporary by RFC 5321 (4.5.3.1.10); after DATA the message may be too big.
    """
    return enhanced_status in _MAILBOX_FULL or (code == _NO_ROOM and not enhanced_status and step is _Step.RCPT)


def is_dead_address(code: int, enhanced_status: str, *, at_rcpt: bool) -> bool:
    """Whether a 5xx answer says that the address itself is dead: a hard bounce, no word on policy or content.

    RFC 3463 (3.2, 3.3): the subjects 5.1.x speak of the address and 5.2.1 of its mailbox; 5.7.x of policy, 5.3.4 and
    5.6.x of the message. Without such a status, RFC 5321 (4.2.2) has 550 and 551 for a mailbox, where the answer
    is to RCPT; servers use 550 after DATA, and 554 anywhere, for spam.
    """
    if enhanced_status:
        return enhanced_status in _DEAD_ADDRESS
    return at_rcpt and code in _NO_MAILBOX


def _broken(error: Exception, step: _Step) -> TemporaryFailure:
    what = "timed out" if isinstance(error, TimeoutError) else "failed"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        what = "failed in TLS"
    return TemporaryFailure(reason=f"smtp connection {what} at {step}", retry_after=_CONNECT_RETRY)

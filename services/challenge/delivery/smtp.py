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
from typing import Final

import aiosmtplib

from libs.runtime.clock import Clock
from libs.runtime.errors import invalid_field
from services.challenge.delivery.checks import check_email
from services.challenge.delivery.dkim import EmailSigner
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
from services.challenge.delivery.smtp_refusals import BUSY_RETRY, Step, read_refusal

_CONNECT_RETRY: Final = timedelta(seconds=5)
_QUEUE_ID: Final = re.compile(r"queued as ([A-Za-z0-9.-]{1,64})", re.IGNORECASE)


class _StaleConnectionError(Exception):
    """A pooled connection turned out dead before the server took anything."""


class SmtpEmailSender:
    """An ``EmailSender`` over a pool of SMTP connections.

    ``sender`` is the From header, ``Name <address>`` or an address; ``name`` is the provider's in ``Accepted``;
    ``signer`` signs each email. Each step has ``step_timeout`` seconds, the
    whole of a send ``send_timeout``. A 4xx answer, a lost connection and a timeout are temporary failures, and
    so is a refusal before the message was named (greeting, TLS, login), which is the operator's to mend. A 5xx
    answer to the message itself is permanent. When the connection is lost after DATA the server may have taken
    the email: the repeat carries the same Message-ID.
    """

    def __init__(
        self,
        endpoint: SmtpEndpoint,
        *,
        sender: str,
        clock: Clock,
        name: str = "smtp",
        signer: EmailSigner | None = None,
        pool_size: int = 4,
        step_timeout: float = 10.0,
        send_timeout: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        shown, self._envelope_sender = parseaddr(sender)
        # Checks the address, which comes from the settings: ValueError.
        self._domain = Address(addr_spec=self._envelope_sender).domain
        self._from = formataddr((shown, self._envelope_sender), charset="utf-8")
        self._clock = clock
        self._name = name
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
                return await self._send_on_live_connection(await self._signed(email))
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the mail server in time", retry_after=BUSY_RETRY)

    async def close(self) -> None:
        """See ``EmailSender.close``."""
        self._closed = True
        await self._pool.close()

    def _encode(self, message: EmailMessageToSend) -> EncodedEmail:
        try:
            return encode_email(message, sender=self._from, sender_domain=self._domain, sent_at=self._clock.now())
        except UnicodeError:
            raise invalid_field("recipient", "has a domain that cannot be written in ASCII") from None

    async def _signed(self, email: EncodedEmail) -> EncodedEmail:
        if self._signer is None:
            return email
        return replace(email, content=await self._signer.sign(email.content))

    async def _send_on_live_connection(self, email: EncodedEmail) -> DeliveryOutcome:
        try:
            return await self._send_once(email, fresh=False)
        except _StaleConnectionError:
            return await self._send_once(email, fresh=True)

    async def _send_once(self, email: EncodedEmail, *, fresh: bool) -> DeliveryOutcome:
        step = Step.CONNECT
        try:
            async with self._pool.lend(fresh=fresh) as connection:
                transfer = _Transfer(connection, self._envelope_sender, email, self._name)
                try:
                    return await transfer.run()
                finally:
                    step = transfer.step
        except aiosmtplib.SMTPResponseException as refusal:
            return read_refusal(refusal.code, refusal.message, step)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _broken(error, step)


class _Transfer:
    """One mail transaction; ``step`` tells how far it came."""

    def __init__(self, connection: PooledConnection, sender: str, email: EncodedEmail, provider: str) -> None:
        self._client = connection.client
        self._reused = connection.reused
        self._sender = sender
        self._email = email
        self._provider = provider
        self._encoding = "utf-8" if email.needs_utf8 else "ascii"
        self.step = Step.MAIL

    async def run(self) -> DeliveryOutcome:
        """Hand the email over; raises what aiosmtplib raises when the connection breaks, or that it was stale."""
        try:
            return await self._transfer()
        except aiosmtplib.SMTPResponseException as refusal:
            # Refused politely: the connection stays good for the next email. Where it does not, it is not pooled.
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._client.rset()
            return read_refusal(refusal.code, refusal.message, self.step)
        except aiosmtplib.SMTPServerDisconnected:
            if self._reused and self.step is not Step.DATA:
                raise _StaleConnectionError from None
            raise

    async def _transfer(self) -> DeliveryOutcome:
        if self._email.needs_utf8 and not await self._speaks_utf8():
            return PermanentFailure(reason="the mail server cannot carry this kind of address")
        options = ["SMTPUTF8"] if self._email.needs_utf8 else []
        await self._client.mail(self._sender, options=options, encoding=self._encoding)
        self.step = Step.RCPT
        await self._client.rcpt(self._email.recipient, encoding=self._encoding)
        self.step = Step.DATA
        response = await self._client.data(self._email.content)
        queued = _QUEUE_ID.search(response.message)
        reference = queued.group(1) if queued else self._email.message_id
        return Accepted(provider_reference=reference, provider=self._provider)

    async def _speaks_utf8(self) -> bool:
        if self._client.is_ehlo_or_helo_needed:
            await self._client.ehlo()
        return self._client.supports_extension("smtputf8")


def _broken(error: Exception, step: Step) -> TemporaryFailure:
    what = "timed out" if isinstance(error, TimeoutError) else "failed"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        what = "failed in TLS"
    return TemporaryFailure(reason=f"smtp connection {what} at {step}", retry_after=_CONNECT_RETRY)

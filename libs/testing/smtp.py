"""A real mail server on loopback that keeps what it gets: for tests, the demo and ``hearthgate up``."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hmac
import logging
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from libs.runtime.clock import Clock, SystemClock
from libs.testing.arrivals import Arrivals

_MAX_MAIL_BYTES: Final = 1 << 20
_CAPACITY: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMail:
    """One email as it arrived. ``sequence`` counts from 1; ``headers`` are decoded, in the order of the wire."""

    sequence: int
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    received_at: datetime
    encrypted: bool
    raw: bytes = field(repr=False)


class SmtpStep(StrEnum):
    """Where in a mail transaction a scripted answer falls."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"


@dataclass(kw_only=True, slots=True)
class _Faults:
    """What the server does wrong next; each counts down."""

    replies: dict[SmtpStep, deque[str]] = field(default_factory=lambda: {step: deque() for step in SmtpStep})
    hangs: int = 0
    drops: deque[bool] = field(default_factory=deque)


class SmtpInbox:
    """An SMTP server on the running event loop; ``async with SmtpInbox() as inbox``.

    After the first start the port stays, so that ``stop`` and ``start`` are a server that goes down and comes back.
    With ``username`` and ``password`` it wants a login, with ``tls_context`` it offers STARTTLS, and with
    ``implicit_tls`` besides it speaks TLS from the start. ``on_mail`` is called with each mail.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str | None = None,
        password: str | None = None,
        tls_context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        capacity: int = _CAPACITY,
        clock: Clock | None = None,
        on_mail: Callable[[ReceivedMail], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.username = username
        self.password = password
        self.connections_accepted = 0
        self._tls_context = tls_context
        self._implicit_tls = implicit_tls
        self._clock = clock or SystemClock()
        self._on_mail = on_mail
        self._arrivals: Arrivals[ReceivedMail] = Arrivals("mail", capacity=capacity)
        self._faults = _Faults()
        self._released = asyncio.Event()
        self._hanging = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._protocols: set[_Protocol] = set()

    @property
    def url(self) -> str:
        """The setting that makes a client use this server."""
        login = f"{quote(self.username, '')}:{quote(self.password or '', '')}@" if self.username else ""
        return f"{'smtps' if self._implicit_tls else 'smtp'}://{login}{self.host}:{self.port}"

    @property
    def mails(self) -> tuple[ReceivedMail, ...]:
        """The mails that are kept, oldest first."""
        return self._arrivals.kept()

    @property
    def position(self) -> int:
        """How many mails ever arrived; see ``wait_for``."""
        return self._arrivals.position

    @property
    def connections_open(self) -> int:
        """How many clients are connected now."""
        return len(self._protocols)

    def clear(self) -> None:
        """Forget the mails that are kept."""
        self._arrivals.clear()

    async def wait_for(
        self,
        recipient: str,
        predicate: Callable[[ReceivedMail], bool] = lambda mail: True,
        *,
        since: int = 0,
        timeout: float = 5.0,
    ) -> ReceivedMail:
        """The first mail to ``recipient`` that satisfies ``predicate``, of those after position ``since``.

        Raises ``TimeoutError`` after ``timeout`` seconds.
        """

        def matches(mail: ReceivedMail) -> bool:
            return any(each.casefold() == recipient.casefold() for each in mail.recipients) and predicate(mail)

        domain = recipient.rpartition("@")[2]
        return await self._arrivals.wait_for(
            matches, since=since, timeout=timeout, looked_for=f"to the one looked for at {domain}"
        )

    def reply_next(self, reply: str, *, at: SmtpStep = SmtpStep.DATA, times: int = 1) -> None:
        """Answer the next ``times`` commands of that step with ``reply``, such as ``451 4.3.0 later``."""
        self._faults.replies[at].extend([reply] * times)

    def hang_next(self, times: int = 1) -> None:
        """Leave the next ``times`` mails without an answer, and unkept, until ``release`` or ``stop``."""
        self._released.clear()
        self._hanging.clear()
        self._faults.hangs += times

    async def wait_until_hanging(self, *, timeout: float = 5.0) -> None:
        """Wait until a mail hangs; raises ``TimeoutError`` after ``timeout`` seconds."""
        async with asyncio.timeout(timeout):
            await self._hanging.wait()

    def drop_after_data(self, times: int = 1, *, keep: bool = False) -> None:
        """Drop the connection instead of answering the next ``times`` mails; ``keep``: the mail did arrive."""
        self._faults.drops.extend([keep] * times)

    def release(self) -> None:
        """End every fault: what hangs is answered and kept."""
        self._faults = _Faults()
        self._released.set()

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        # The library logs every line of every mail, and a code is for its owner alone.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        context = self._tls_context if self._implicit_tls else None
        self._server = await loop.create_server(self._new_protocol, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        for protocol in list(self._protocols):
            protocol.abort()
        if self._server is not None:
            await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> SmtpInbox:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _new_protocol(self) -> SMTP:
        self.connections_accepted += 1
        return _Protocol(
            _Handler(self),
            open_protocols=self._protocols,
            hostname="localhost",
            ident="Hearthgate inbox",
            data_size_limit=_MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            tls_context=None if self._implicit_tls else self._tls_context,
            auth_require_tls=self._tls_context is not None and not self._implicit_tls,
            authenticator=self._authenticate if self.username else None,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        expected = (self.username or "").encode() + b"\0" + (self.password or "").encode()
        given = login.login + b"\0" + login.password if isinstance(login, LoginPassword) else b""
        return AuthResult(success=hmac.compare_digest(expected, given), handled=False)

    def scripted_reply(self, step: SmtpStep) -> str | None:
        """Take the reply that a test scripted for this step, if any (used by the protocol)."""
        replies = self._faults.replies[step]
        return replies.popleft() if replies else None

    async def receive(self, envelope: Envelope, *, encrypted: bool) -> bool:
        """Keep a mail unless a fault says otherwise; False when the connection is to drop (used by the protocol)."""
        keep, answer = True, True
        if self._faults.drops:
            keep, answer = self._faults.drops.popleft(), False
        elif self._faults.hangs:
            self._faults.hangs -= 1
            self._hanging.set()
            await self._released.wait()
        if keep:
            await self._keep(envelope, encrypted)
        return answer

    async def _keep(self, envelope: Envelope, encrypted: bool) -> None:
        now = self._clock.now()
        mail = await self._arrivals.add(lambda sequence: _read(envelope, sequence, now, encrypted))
        if self._on_mail is not None:
            self._on_mail(mail)


class _Protocol(SMTP):
    """aiosmtpd's protocol, known to its server while it is open."""

    def __init__(self, handler: _Handler, *, open_protocols: set[_Protocol], **options: Any) -> None:
        super().__init__(handler, **options)
        self._open = open_protocols

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection speaks TLS, from the start or by STARTTLS."""
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.WriteTransport):
            # Python 3.11.2, Debian's, fails so where the TLS connection has gone already.
            with suppress(AttributeError):
                transport.abort()


class _Handler:
    """aiosmtpd's hooks; the names are the library's."""

    def __init__(self, inbox: SmtpInbox) -> None:
        self._inbox = inbox

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._inbox.username and not session.authenticated:
            return "530 5.7.0 Authentication required"
        scripted = self._inbox.scripted_reply(SmtpStep.MAIL)
        if scripted is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return scripted or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        scripted = self._inbox.scripted_reply(SmtpStep.RCPT)
        if scripted is None:
            envelope.rcpt_tos.append(address)
        return scripted or "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds its hooks by name
        self, server: _Protocol, session: Session, envelope: Envelope
    ) -> str:
        scripted = self._inbox.scripted_reply(SmtpStep.DATA)
        if scripted is not None:
            return scripted
        if await self._inbox.receive(envelope, encrypted=server.is_encrypted):
            return f"250 2.0.0 Ok: queued as {self._inbox.position:08X}"
        server.abort()
        await asyncio.Event().wait()  # The lost connection cancels this.
        raise AssertionError("unreachable")

    async def handle_exception(self, error: Exception) -> str:
        return "451 4.3.0 Internal error"


def _read(envelope: Envelope, sequence: int, received_at: datetime, encrypted: bool) -> ReceivedMail:
    raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
    message = email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)
    return ReceivedMail(
        sequence=sequence,
        sender=envelope.mail_from or "",
        recipients=tuple(str(each) for each in envelope.rcpt_tos),
        message_id=str(message.get("Message-ID", "")).strip("<>"),
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers=tuple((name, str(value)) for name, value in message.items()),
        received_at=received_at,
        encrypted=encrypted,
        raw=raw,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""

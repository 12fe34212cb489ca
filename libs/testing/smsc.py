"""A real SMSC (SMPP 3.4) on loopback that keeps the texts it gets: for tests, the demo and ``hearthgate up``.

The bodies of messages are read and written by smpp34's codec. Sessions are our own: smpp34's server lets every
password in, and cannot misbehave on request.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final
from urllib.parse import quote

import smpp34

from libs.runtime.clock import Clock, SystemClock
from libs.testing.arrivals import Arrivals
from libs.testing.smsc_limit import SpeedLimit
from libs.testing.smsc_messages import (
    HEADER,
    MAX_PDU,
    Command,
    CommandStatus,
    Part,
    ReceivedText,
    join,
    read_part,
)
from libs.testing.smsc_receipts import ReceiptStyle, receipt_pdu

_RESPONSE: Final = 0x80000000
_CAPACITY: Final = 1000
_MAX_UNFINISHED: Final = 100
_MAX_SESSIONS: Final = 64


@dataclass(slots=True)
class _Session:
    writer: asyncio.StreamWriter
    bound: Command | None = None


@dataclass(kw_only=True, slots=True)
class _Faults:
    """What the server does wrong next."""

    rejections: deque[int] = field(default_factory=deque)
    refusal: int | None = None
    refusals_left: int | None = None
    hangs: int = 0
    drops: deque[bool] = field(default_factory=deque)
    limit: SpeedLimit | None = None


class Smsc:
    """An SMSC on the running event loop; ``async with Smsc() as smsc``.

    After the first start the port stays, so that ``stop`` and ``start`` are a server that goes down and comes back.
    With ``receipts`` it sends a delivery receipt as ``receipt_style`` says, where one was asked for and a session can
    receive. ``on_text`` is called with each text.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        system_id: str = "hearthgate",
        password: str = "local",
        receipts: bool = False,
        capacity: int = _CAPACITY,
        clock: Clock | None = None,
        on_text: Callable[[ReceivedText], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.system_id = system_id
        self.password = password
        self.receipt_style = ReceiptStyle()
        self._receipts = receipts
        self._clock = clock or SystemClock()
        self._on_text = on_text
        self._arrivals: Arrivals[ReceivedText] = Arrivals("text", capacity=capacity)
        self._binds: Arrivals[int] = Arrivals("bind", capacity=capacity)
        self._receipt_answers: Arrivals[int] = Arrivals("answer", capacity=capacity)
        self._faults = _Faults()
        self._unfinished: OrderedDict[tuple[str, str, int, int], dict[int, Part]] = OrderedDict()
        self._submitted = 0
        self._receipts_sent = 0
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], _Session] = {}

    @property
    def url(self) -> str:
        """The setting that makes a client use this server."""
        return f"smpp://{quote(self.system_id, '')}:{quote(self.password, '')}@{self.host}:{self.port}"

    @property
    def texts(self) -> tuple[ReceivedText, ...]:
        """The texts that are kept, oldest first."""
        return self._arrivals.kept()

    @property
    def position(self) -> int:
        """How many texts ever arrived; see ``wait_for``."""
        return self._arrivals.position

    @property
    def binds_accepted(self) -> int:
        """How many binds were ever accepted."""
        return self._binds.position

    @property
    def receipt_answers(self) -> tuple[int, ...]:
        """The command statuses with which clients answered receipts."""
        return self._receipt_answers.kept()

    @property
    def sessions_bound(self) -> int:
        """How many sessions are bound now."""
        return sum(session.bound is not None for session in self._sessions.values())

    def clear(self) -> None:
        """Forget the texts that are kept."""
        self._arrivals.clear()

    async def wait_for(
        self,
        destination: str,
        predicate: Callable[[ReceivedText], bool] = lambda text: True,
        *,
        since: int = 0,
        timeout: float = 5.0,
    ) -> ReceivedText:
        """The first text to ``destination`` that satisfies ``predicate``, of those after position ``since``.

        Raises ``TimeoutError`` after ``timeout`` seconds.
        """
        return await self._arrivals.wait_for(
            lambda text: text.destination == destination and predicate(text),
            since=since,
            timeout=timeout,
            looked_for=f"to the number looked for, which ends in {destination[-2:]},",
        )

    async def wait_for_binds(self, count: int, *, timeout: float = 5.0) -> None:
        """Wait until ``count`` binds were ever accepted; raises ``TimeoutError``."""
        await self._binds.wait_for(lambda number: number >= count, since=0, timeout=timeout, looked_for=f"no. {count}")

    async def wait_for_receipt_answers(self, count: int, *, timeout: float = 5.0) -> None:
        """Wait until ``count`` receipts were ever answered; raises ``TimeoutError``."""
        await self._receipt_answers.wait_for(
            lambda _: self._receipt_answers.position >= count, since=0, timeout=timeout, looked_for=f"no. {count}"
        )

    def throttle_next(self, times: int = 1) -> None:
        """Answer the next ``times`` submits with ESME_RTHROTTLED."""
        self.reject_next(CommandStatus.THROTTLED, times=times)

    def reject_next(self, status: int, *, times: int = 1) -> None:
        """Answer the next ``times`` submits with a command status."""
        self._faults.rejections.extend([status] * times)

    def limit_speed(self, per_second: float) -> SpeedLimit:
        """Throttle what goes beyond ``per_second`` submits, until ``release``; the limit counts what it refused."""
        self._faults.limit = SpeedLimit(per_second, clock=asyncio.get_running_loop().time)
        return self._faults.limit

    def refuse_binds(self, status: int = CommandStatus.BIND_FAILED, *, times: int | None = None) -> None:
        """Refuse the next ``times`` binds, every one until ``release`` without it."""
        self._faults.refusal, self._faults.refusals_left = status, times

    def hang_next(self, times: int = 1) -> None:
        """Never answer, and do not keep, the next ``times`` submits."""
        self._faults.hangs += times

    def drop_after_submit(self, times: int = 1, *, keep: bool = False) -> None:
        """Cut the connection instead of answering the next ``times`` submits; ``keep``: the text did arrive."""
        self._faults.drops.extend([keep] * times)

    def drop_session(self, number: int = 0) -> None:
        """Cut one of the bound sessions, counted from the oldest."""
        bound = [session for session in self._sessions.values() if session.bound is not None]
        bound[number].writer.transport.abort()

    def release(self) -> None:
        """End every fault."""
        self._faults = _Faults()

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every session."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task, session in list(self._sessions.items()):
            session.writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def __aenter__(self) -> Smsc:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._sessions) >= _MAX_SESSIONS:
            writer.transport.abort()
            return
        session = _Session(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, session))
        self._sessions[task] = session
        task.add_done_callback(lambda done: self._sessions.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, session: _Session) -> None:
        try:
            while True:
                header = await reader.readexactly(HEADER.size)
                length, command, _, sequence = HEADER.unpack(header)
                if not HEADER.size <= length <= MAX_PDU:
                    return
                body = await reader.readexactly(length - HEADER.size)
                if not await self._handle(session, command, sequence, header + body):
                    return
                await session.writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # The client went away.
        finally:
            session.writer.close()

    async def _handle(self, session: _Session, command: int, sequence: int, pdu: bytes) -> bool:
        """Answer one PDU; False ends the session."""
        match command:
            case Command.BIND_RECEIVER | Command.BIND_TRANSMITTER | Command.BIND_TRANSCEIVER:
                return await self._bind(session, Command(command), sequence, pdu[HEADER.size :])
            case Command.SUBMIT_SM:
                return await self._submit(session, sequence, pdu)
            case Command.ENQUIRE_LINK | Command.UNBIND:
                _write(session, command | _RESPONSE, CommandStatus.OK, sequence)
                return command != Command.UNBIND
            case Command.DELIVER_SM_RESP:
                status = HEADER.unpack_from(pdu)[2]
                await self._receipt_answers.add(lambda _: int(status))
            case _ if not command & _RESPONSE:
                _write(session, Command.GENERIC_NACK, CommandStatus.INVALID_COMMAND, sequence)
        return True

    async def _bind(self, session: _Session, command: Command, sequence: int, body: bytes) -> bool:
        status = self._bind_status(session, body)
        accepted = status == CommandStatus.OK
        _write(session, command | _RESPONSE, status, sequence, b"Hearthgate\0" if accepted else b"")
        if accepted:
            session.bound = command
            await self._binds.add(lambda number: number)
        return accepted

    def _bind_status(self, session: _Session, body: bytes) -> int:
        faults = self._faults
        if faults.refusal is not None and faults.refusals_left != 0:
            if faults.refusals_left is not None:
                faults.refusals_left -= 1
            return faults.refusal
        if session.bound is not None:
            return CommandStatus.ALREADY_BOUND
        if not hmac.compare_digest(b"\0".join(body.split(b"\0")[:2]), f"{self.system_id}\0{self.password}".encode()):
            return CommandStatus.INVALID_PASSWORD
        return CommandStatus.OK

    async def _submit(self, session: _Session, sequence: int, pdu: bytes) -> bool:
        faults = self._faults
        drop = faults.drops.popleft() if faults.drops else None
        status, message_id, receipts = self._submit_status(session), "", b""
        if status == CommandStatus.OK and drop is not False:
            if faults.hangs:
                faults.hangs -= 1
                return True
            try:
                submit = _submit_sm(pdu)
                message_id = await self._take(submit)
                receipts = self._receipts_for(submit, message_id)
            except (smpp34.SmppError, UnicodeDecodeError, TypeError, LookupError):
                status = CommandStatus.SYSTEM_ERROR
        if drop is not None:
            session.writer.transport.abort()
            return False
        body = message_id.encode() + b"\0" if status == CommandStatus.OK else b""
        receiver = self._receiver(session) if receipts else None
        if receiver is not None and self.receipt_style.before_answer:
            receiver.writer.write(receipts)
        _write(session, Command.SUBMIT_SM | _RESPONSE, status, sequence, body)
        if receiver is not None and not self.receipt_style.before_answer:
            receiver.writer.write(receipts)
        return True

    def _submit_status(self, session: _Session) -> int:
        if session.bound not in (Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER):
            return CommandStatus.INVALID_BIND_STATE
        if self._faults.rejections:
            return self._faults.rejections.popleft()
        limit = self._faults.limit
        return CommandStatus.OK if limit is None or limit.admits() else CommandStatus.THROTTLED

    async def _take(self, submit: smpp34.SubmitSm) -> str:
        self._submitted += 1
        part = read_part(submit, f"{self._submitted:08X}")
        await self._assemble(part)
        return part.message_id

    async def _assemble(self, part: Part) -> None:
        key = (part.source, part.destination, part.reference, part.total)
        parts = self._unfinished.setdefault(key, {})
        parts[part.number] = part
        if len(parts) < part.total:
            while len(self._unfinished) > _MAX_UNFINISHED:
                self._unfinished.popitem(last=False)
            return
        del self._unfinished[key]
        ordered = [parts[number] for number in sorted(parts)]
        now = self._clock.now()
        text = await self._arrivals.add(lambda sequence: join(ordered, sequence, now))
        if self._on_text is not None:
            self._on_text(text)

    def _receipts_for(self, submit: smpp34.SubmitSm, message_id: str) -> bytes:
        if not (self._receipts and submit.registered_delivery & 0x01):
            return b""
        style, now, pdus = self.receipt_style, self._clock.now(), b""
        for state in style.states:
            self._receipts_sent += 1
            pdus += receipt_pdu(submit, message_id, state=state, style=style, now=now, sequence=self._receipts_sent)
        return pdus

    def _receiver(self, submitter: _Session) -> _Session | None:
        """The session that submitted where it can receive, else any that can."""
        receiving = (Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER)
        candidates = (submitter, *self._sessions.values())
        return next((session for session in candidates if session.bound in receiving), None)


def _submit_sm(pdu: bytes) -> smpp34.SubmitSm:
    submit = smpp34.decode(pdu)
    if not isinstance(submit, smpp34.SubmitSm):
        raise TypeError("not a submit_sm")
    return submit


def _write(session: _Session, command: int, status: int, sequence: int, body: bytes = b"") -> None:
    session.writer.write(HEADER.pack(HEADER.size + len(body), command, status, sequence) + body)

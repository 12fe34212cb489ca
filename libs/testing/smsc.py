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
from smpp34 import _smpp34 as tags

from libs.runtime.clock import Clock, SystemClock
from libs.testing.arrivals import Arrivals
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

_RESPONSE: Final = 0x80000000
_CAPACITY: Final = 1000
_MAX_UNFINISHED: Final = 100
_MAX_SESSIONS: Final = 64


@dataclass(slots=True)
class _Session:
    writer: asyncio.StreamWriter
    bound: Command | None = None
    sent: int = 0


@dataclass(kw_only=True, slots=True)
class _Faults:
    """What the server does wrong next."""

    rejections: deque[int] = field(default_factory=deque)
    refusal: int | None = None
    hangs: int = 0
    drops: deque[bool] = field(default_factory=deque)


class Smsc:
    """An SMSC on the running event loop; ``async with Smsc() as smsc``.

    After the first start the port stays, so that ``stop`` and ``start`` are a server that goes down and comes back.
    With ``receipts`` it sends a delivery receipt to sessions that can receive, where one was asked for.
    ``on_text`` is called with each text.
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
        self.binds_accepted = 0
        self._receipts = receipts
        self._clock = clock or SystemClock()
        self._on_text = on_text
        self._arrivals: Arrivals[ReceivedText] = Arrivals("text", capacity=capacity)
        self._faults = _Faults()
        self._unfinished: OrderedDict[tuple[str, str, int, int], dict[int, Part]] = OrderedDict()
        self._submitted = 0
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

    def throttle_next(self, times: int = 1) -> None:
        """Answer the next ``times`` submits with ESME_RTHROTTLED."""
        self.reject_next(CommandStatus.THROTTLED, times=times)

    def reject_next(self, status: int, *, times: int = 1) -> None:
        """Answer the next ``times`` submits with a command status."""
        self._faults.rejections.extend([status] * times)

    def refuse_binds(self, status: int = CommandStatus.BIND_FAILED) -> None:
        """Refuse every bind until ``release``."""
        self._faults.refusal = status

    def hang_next(self, times: int = 1) -> None:
        """Never answer, and do not keep, the next ``times`` submits."""
        self._faults.hangs += times

    def drop_after_submit(self, times: int = 1, *, keep: bool = False) -> None:
        """Cut the connection instead of answering the next ``times`` submits; ``keep``: the text did arrive."""
        self._faults.drops.extend([keep] * times)

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
                return self._bind(session, Command(command), sequence, pdu[HEADER.size :])
            case Command.SUBMIT_SM:
                return await self._submit(session, sequence, pdu)
            case Command.ENQUIRE_LINK | Command.UNBIND:
                _write(session, command | _RESPONSE, CommandStatus.OK, sequence)
                return command != Command.UNBIND
            case _ if not command & _RESPONSE:
                _write(session, Command.GENERIC_NACK, CommandStatus.INVALID_COMMAND, sequence)
        return True

    def _bind(self, session: _Session, command: Command, sequence: int, body: bytes) -> bool:
        status: int = CommandStatus.OK
        if self._faults.refusal is not None:
            status = self._faults.refusal
        elif session.bound is not None:
            status = CommandStatus.ALREADY_BOUND
        elif not hmac.compare_digest(b"\0".join(body.split(b"\0")[:2]), f"{self.system_id}\0{self.password}".encode()):
            status = CommandStatus.INVALID_PASSWORD
        accepted = status == CommandStatus.OK
        if accepted:
            session.bound = command
            self.binds_accepted += 1
        _write(session, command | _RESPONSE, status, sequence, b"Hearthgate\0" if accepted else b"")
        return accepted

    async def _submit(self, session: _Session, sequence: int, pdu: bytes) -> bool:
        faults = self._faults
        drop = faults.drops.popleft() if faults.drops else None
        status = self._submit_status(session)
        message_id = ""
        if status == CommandStatus.OK and drop is not False:
            if faults.hangs:
                faults.hangs -= 1
                return True
            try:
                message_id = await self._take(session, pdu)
            except (smpp34.SmppError, UnicodeDecodeError, TypeError, LookupError):
                status = CommandStatus.SYSTEM_ERROR
        if drop is not None:
            session.writer.transport.abort()
            return False
        body = message_id.encode() + b"\0" if status == CommandStatus.OK else b""
        _write(session, Command.SUBMIT_SM | _RESPONSE, status, sequence, body)
        return True

    def _submit_status(self, session: _Session) -> int:
        if session.bound not in (Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER):
            return CommandStatus.INVALID_BIND_STATE
        return self._faults.rejections.popleft() if self._faults.rejections else CommandStatus.OK

    async def _take(self, session: _Session, pdu: bytes) -> str:
        submit = smpp34.decode(pdu)
        if not isinstance(submit, smpp34.SubmitSm):
            raise TypeError("not a submit_sm")
        self._submitted += 1
        part = read_part(submit, f"{self._submitted:08X}")
        await self._assemble(part)
        if self._receipts and submit.registered_delivery & 0x01:
            self._send_receipt(submit, part.message_id)
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

    def _send_receipt(self, submit: smpp34.SubmitSm, message_id: str) -> None:
        date = self._clock.now().strftime("%y%m%d%H%M")
        for session in self._sessions.values():
            if session.bound not in (Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER):
                continue
            session.sent += 1
            receipt = smpp34.DeliverSm(
                source_addr=submit.destination_addr,
                destination_addr=submit.source_addr,
                esm_class=0x04,
                short_message=f"id:{message_id} sub:001 dlvrd:001 submit date:{date} done date:{date} "
                "stat:DELIVRD err:000".encode(),
                tlvs=[
                    smpp34.Tlv(tags.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                    smpp34.Tlv(tags.TLV_MESSAGE_STATE, b"\x02"),
                ],
                sequence_number=session.sent,
            )
            session.writer.write(receipt.encode())


def _write(session: _Session, command: int, status: int, sequence: int, body: bytes = b"") -> None:
    session.writer.write(HEADER.pack(HEADER.size + len(body), command, status, sequence) + body)

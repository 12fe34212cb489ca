"""A text provider over HTTP on loopback, after Twilio's Messages resource: keeps what it gets, fails on request."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, quote

import h11

_CHUNK: Final = 65536
_CAPACITY: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedText:
    """One text as it was posted. ``idempotency_token`` is the same for a repeat."""

    sid: str
    recipient: str
    sender: str
    text: str = field(repr=False)
    callback: str
    idempotency_token: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class TextHttpServer:
    """``async with TextHttpServer() as server``; texts of other accounts than its own are refused with 401."""

    def __init__(self, *, account_sid: str = "AC0001", auth_token: str = "token") -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.texts: deque[PostedText] = deque(maxlen=_CAPACITY)
        self._answers: deque[_Answer] = deque()
        self._hangs = 0
        self._drops = 0
        self._released = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The setting that makes a sender use this server."""
        who = f"{quote(self.account_sid, '')}:{quote(self.auth_token, '')}"
        return f"twilio+http://{who}@{self.host}:{self.port}?from=%2B12015550100"

    def answer_next(
        self, status: int, *, code: int | None = None, headers: tuple[tuple[str, str], ...] = (), times: int = 1
    ) -> None:
        """Answer the next texts so, and keep none of them; ``code`` is the provider's own."""
        body = json.dumps({"code": code, "message": "words of the provider's", "status": status}).encode()
        self._answers.extend([_Answer(status, body, headers)] * times)

    def answer_raw_next(self, status: int, body: bytes) -> None:
        """Answer the next text with these octets, and do not keep it."""
        self._answers.append(_Answer(status, body))

    def hang_next(self, times: int = 1) -> None:
        """Read the next texts, and answer nothing."""
        self._hangs += times

    def drop_next(self, times: int = 1) -> None:
        """Keep the next texts, and cut the connection in place of an answer."""
        self._drops += times

    async def start(self) -> None:
        """Listen; the port stays the same after the first start."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def __aenter__(self) -> TextHttpServer:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (found := await _read_request(connection, reader)) is not None:
                answer = await self._handle(*found)
                if answer is None:
                    return
                _write(connection, writer, answer)
                await writer.drain()
                connection.start_next_cycle()
        except (ConnectionError, h11.ProtocolError):
            return
        finally:
            writer.transport.abort()

    async def _handle(self, request: h11.Request, body: bytes) -> _Answer | None:
        """What to answer; None: nothing, and cut the connection."""
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        if self._hangs:
            self._hangs -= 1
            await self._released.wait()
        if self._answers:
            return self._answers.popleft()
        if not self._is_ours(request):
            return _Answer(401, b'{"code": 20003}')
        text = self._keep(request, form)
        if self._drops:
            self._drops -= 1
            return None
        return _Answer(201, json.dumps({"sid": text.sid, "status": "queued"}).encode())

    def _is_ours(self, request: h11.Request) -> bool:
        expected = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode())
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json".encode()
        return request.target == path and _header(request, b"authorization") == b"Basic " + expected

    def _keep(self, request: h11.Request, form: dict[str, str]) -> PostedText:
        text = PostedText(
            sid=f"SM{len(self.texts):032x}",
            recipient=form["To"],
            sender=form.get("From") or form["MessagingServiceSid"],
            text=form["Body"],
            callback=form.get("StatusCallback", ""),
            idempotency_token=_header(request, b"i-twilio-idempotency-token").decode(),
        )
        self.texts.append(text)
        return text


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes] | None:
    request: h11.Request | None = None
    body = b""
    while True:
        event: Any = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, body
        else:
            return None


def _write(connection: h11.Connection, writer: asyncio.StreamWriter, answer: _Answer) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer.body))), *answer.headers]
    for event in (
        h11.Response(status_code=answer.status, headers=headers),
        h11.Data(data=answer.body),
        h11.EndOfMessage(),
    ):
        writer.write(connection.send(event) or b"")


def _header(request: h11.Request, name: bytes) -> bytes:
    return next((bytes(value) for key, value in request.headers if key == name), b"")

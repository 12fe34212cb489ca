"""A real text provider over HTTP on loopback (Twilio's Messages API) that keeps the texts it gets."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final
from urllib.parse import parse_qs, quote

from libs.testing.arrivals import Arrivals

_MAX_BODY: Final = 1 << 16
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedHttpText:
    """One text as it arrived; ``sid`` is the id that its sender was given."""

    sid: str
    destination: str = field(repr=False)
    text: str = field(repr=False)
    source: str
    service: str
    callback: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    method: str
    path: str
    authorization: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reply:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The bytes of the wire."""
        phrase = HTTPStatus(self.status).phrase
        headers = {**_JSON, **self.headers, "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(kw_only=True, slots=True)
class _Faults:
    """What the server does wrong next."""

    replies: deque[_Reply] = field(default_factory=deque)
    hangs: int = 0
    drops: deque[bool] = field(default_factory=deque)


class TextHttpServer:
    """The provider on the running event loop; ``async with TextHttpServer() as provider``.

    After the first start the port stays, so that ``stop`` and ``start`` are a provider that goes down and comes back.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, account: str = "AC1", token: str = "local") -> None:
        self.host = host
        self.port = port
        self.account = account
        self.token = token
        self.connections_accepted = 0
        self._arrivals: Arrivals[ReceivedHttpText] = Arrivals("text")
        self._faults = _Faults()
        self._hanging = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        """The setting that makes a client use this server."""
        return self.url_with(**{"from": "+15550001111"})

    def url_with(self, **options: str) -> str:
        """The same with other options, such as ``service`` and ``callback``."""
        query = "&".join(f"{name}={quote(value, '')}" for name, value in options.items())
        login = f"{quote(self.account, '')}:{quote(self.token, '')}"
        return f"twilio+http://{login}@{self.host}:{self.port}/?{query}"

    @property
    def texts(self) -> tuple[ReceivedHttpText, ...]:
        """The texts that are kept, oldest first."""
        return self._arrivals.kept()

    def reply_next(
        self, status: int, body: object = None, *, headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """Answer the next ``times`` requests so, and keep nothing; ``body`` goes as JSON, bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._faults.replies.extend([_Reply(status=status, body=content, headers=headers or {})] * times)

    def refuse_next(self, code: int, *, status: int = 400, message: str = "refused", times: int = 1) -> None:
        """Refuse the next ``times`` texts with an error of the provider's dictionary."""
        self.reply_next(status, {"code": code, "message": message, "status": status}, times=times)

    def hang_next(self, times: int = 1) -> None:
        """Never answer, and do not keep, the next ``times`` texts."""
        self._hanging.clear()
        self._faults.hangs += times

    async def wait_until_hanging(self, *, timeout: float = 5.0) -> None:
        """Wait until a text hangs; raises ``TimeoutError`` after ``timeout`` seconds."""
        async with asyncio.timeout(timeout):
            await self._hanging.wait()

    def drop_after_body(self, times: int = 1, *, keep: bool = False) -> None:
        """Cut the connection instead of answering the next ``times`` texts; ``keep``: the text did arrive."""
        self._faults.drops.extend([keep] * times)

    def release(self) -> None:
        """Forget every fault; what hangs goes on hanging."""
        self._faults = _Faults()

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task, writer in list(self._connections.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def __aenter__(self) -> TextHttpServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_accepted += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                reply = await self._answer(request)
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
            pass  # The client went away, or speaks no HTTP.
        finally:
            writer.close()

    async def _answer(self, request: _Request) -> _Reply | None:
        """Answer one request; None ends the connection without a word."""
        faults = self._faults
        if faults.replies:
            return faults.replies.popleft()
        if faults.hangs:
            faults.hangs -= 1
            self._hanging.set()
            await asyncio.Event().wait()  # ``stop`` cancels this.
        refusal = self._refusal(request)
        drop = faults.drops.popleft() if faults.drops else None
        if refusal is None and drop is not False:
            text = await self._arrivals.add(lambda sequence: _text(request, f"SM{sequence:032x}"))
            refusal = _Reply(status=201, body=json.dumps({"sid": text.sid, "status": "queued"}).encode())
        return refusal if drop is None else None

    def _refusal(self, request: _Request) -> _Reply | None:
        if request.method != "POST" or request.path != f"/2010-04-01/Accounts/{self.account}/Messages.json":
            return _error(404, 20404)
        expected = "Basic " + base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if not hmac.compare_digest(request.authorization.encode(), expected.encode()):
            return _error(401, 20003)
        fields = parse_qs(request.body.decode())
        if "To" not in fields or "Body" not in fields:
            return _error(400, 21604 if "To" not in fields else 21602)
        if ("From" in fields) == ("MessagingServiceSid" in fields):
            return _error(400, 21603)
        return None


def _error(status: int, code: int) -> _Reply:
    return _Reply(status=status, body=json.dumps({"code": code, "message": "refused", "status": status}).encode())


def _text(request: _Request, sid: str) -> ReceivedHttpText:
    fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    return ReceivedHttpText(
        sid=sid,
        destination=fields["To"],
        text=fields["Body"],
        source=fields.get("From", ""),
        service=fields.get("MessagingServiceSid", ""),
        callback=fields.get("StatusCallback", ""),
    )


async def _read(reader: asyncio.StreamReader) -> _Request | None:
    """One request; None where the client has ended in order. Raises ``ValueError`` for what is no request."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MAX_BODY:
        raise ValueError("too long")
    body = await reader.readexactly(length)
    return _Request(method=method, path=path, authorization=headers.get("authorization", ""), body=body)

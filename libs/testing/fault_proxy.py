"""A TCP proxy that breaks on request: for tests of what happens when the network does."""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType
from typing import Final

_CHUNK: Final = 65536
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


class FaultProxy:
    """Forwards loopback connections to an upstream until told otherwise; ``async with FaultProxy(host, port)``.

    Faults hold for open and for later connections until ``resume``. At most ``max_connections`` are open at once;
    one more is reset. ``answered_bytes`` counts what came back from the upstream, over all connections.
    """

    def __init__(self, upstream_host: str, upstream_port: int, *, max_connections: int = 256) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.connections_accepted = 0
        self.answered_bytes = 0
        self._upstream = (upstream_host, upstream_port)
        self._max_connections = max_connections
        self._delay = 0.0
        self._truncate_after: int | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    def delay(self, seconds: float) -> None:
        """Hold each chunk, in either direction, for that long before it goes on."""
        self._delay = seconds

    def stall(self) -> None:
        """Accept connections and bytes, and forward nothing."""
        self._flowing.clear()

    def truncate(self, after_bytes: int) -> None:
        """Close each connection once it has brought that many bytes back from the upstream, counted from its start."""
        self._truncate_after = after_bytes

    async def refuse(self) -> None:
        """Refuse new connections; open ones go on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    async def resume(self) -> None:
        """End every fault: listen again on the same port and forward what was held back."""
        self._delay = 0.0
        self._truncate_after = None
        self._flowing.set()
        if self._server is None:
            await self.start()

    async def reset(self) -> None:
        """Cut every open connection with an RST, on both sides."""
        tasks = list(self._connections)
        for task in tasks:
            for writer in self._connections.get(task, []):
                _reset(writer)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start(self) -> None:
        """Listen; the port stays the same after the first start."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        await self.refuse()
        await self.reset()

    async def __aenter__(self) -> FaultProxy:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_accepted += 1
        if len(self._connections) >= self._max_connections:
            _reset(writer)
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = [writer]
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections[task].append(up_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, up_writer))
                group.create_task(self._pump(up_reader, writer, answers=True))
        except* (OSError, asyncio.IncompleteReadError):
            pass  # One side went away; the other is told below.
        finally:
            writer.close()
            up_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        forwarded = 0
        while chunk := await reader.read(_CHUNK):
            if self._delay:
                await asyncio.sleep(self._delay)
            await self._flowing.wait()
            limit = self._truncate_after if answers else None
            passed = chunk if limit is None else chunk[: max(0, limit - forwarded)]
            writer.write(passed)
            forwarded += len(chunk)
            self.answered_bytes += len(passed) if answers else 0
            await writer.drain()
            if limit is not None and forwarded >= limit:
                raise ConnectionAbortedError("truncated")
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with an RST: a socket that lingers for no time drops what it holds."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()

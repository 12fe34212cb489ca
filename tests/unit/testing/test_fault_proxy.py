"""The proxy that breaks on request, in front of an echo server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.testing.fault_proxy import FaultProxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1024):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with FaultProxy(*server.sockets[0].getsockname(), max_connections=3) as proxy:
        yield proxy
    server.close()
    await server.wait_closed()


class Client:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, proxy: FaultProxy) -> Client:
        return cls(*await asyncio.open_connection(proxy.host, proxy.port))

    async def ask(self, octets: bytes) -> bytes:
        """Send, and wait for as many octets to come back."""
        self.writer.write(octets)
        async with asyncio.timeout(5):
            return await self.reader.readexactly(len(octets))


async def test_bytes_pass_both_ways_and_so_does_the_end(proxy: FaultProxy) -> None:
    client = await Client.connect(proxy)
    assert await client.ask(b"hello") == b"hello"
    client.writer.write_eof()
    assert await client.reader.read() == b""
    assert proxy.answered_bytes == 5
    client.writer.close()


async def test_a_stall_holds_what_is_sent_and_resume_lets_it_go(proxy: FaultProxy) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    proxy.stall()
    answer = asyncio.create_task(client.ask(b"held"))
    done, _ = await asyncio.wait([answer], timeout=0.05)
    assert not done
    await proxy.resume()
    assert await answer == b"held"
    client.writer.close()


async def test_a_delay_holds_each_chunk_for_its_time(proxy: FaultProxy) -> None:
    proxy.delay(0.02)
    client = await Client.connect(proxy)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await client.ask(b"hello") == b"hello"
    # Only the lower bound is promised: 20 ms there and 20 ms back.
    assert loop.time() - began >= 0.039
    client.writer.close()


async def test_a_reset_is_seen_as_one(proxy: FaultProxy) -> None:
    client = await Client.connect(proxy)
    await client.ask(b"hello")
    await proxy.reset()
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
    client.writer.close()


async def test_refusing_leaves_open_connections_alone_and_ends_with_resume(proxy: FaultProxy) -> None:
    client, port = await Client.connect(proxy), proxy.port
    await client.ask(b"hello")
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await Client.connect(proxy)
    assert await client.ask(b"still") == b"still"
    await proxy.resume()
    again = await Client.connect(proxy)
    assert await again.ask(b"back") == b"back"
    assert proxy.port == port
    client.writer.close()
    again.writer.close()


async def test_an_answer_is_cut_after_so_many_bytes(proxy: FaultProxy) -> None:
    proxy.truncate(3)
    client = await Client.connect(proxy)
    client.writer.write(b"hello")
    async with asyncio.timeout(5):
        assert await client.reader.read() == b"hel"
    client.writer.close()


async def test_no_more_connections_are_held_than_allowed(proxy: FaultProxy) -> None:
    clients = [await Client.connect(proxy) for _ in range(3)]
    for client in clients:
        await client.ask(b"hello")
    extra = await Client.connect(proxy)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await extra.ask(b"hello")
    for client in [*clients, extra]:
        client.writer.close()


async def test_an_upstream_that_is_down_resets_who_comes() -> None:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    async with FaultProxy(host, port) as proxy:
        client = await Client.connect(proxy)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.ask(b"hello")
        client.writer.close()

"""A mail server in a process of its own, which takes every mail and keeps none: what the benchmarks send to."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

import uvloop
from aiosmtpd.smtp import SMTP

_START_SECONDS: Final = 20


class _Sink:
    """Says yes to everything."""

    async def handle_DATA(self, *_: Any) -> str:  # noqa: N802 - aiosmtpd finds its hooks by name
        """Take a mail."""
        return "250 2.0.0 Ok: queued as 00000001"


@asynccontextmanager
async def smtp_sink() -> AsyncIterator[int]:
    """The port of a server that runs while the block does."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        if not await asyncio.to_thread(here.poll, _START_SECONDS):
            raise TimeoutError("the mail server did not start")
        yield here.recv()
    finally:
        here.send(None)
        await asyncio.to_thread(process.join, _START_SECONDS)


def _serve(pipe: Connection) -> None:
    uvloop.run(_run(pipe))


async def _run(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(_Sink(), hostname="sink.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(pipe.recv)
    server.close()

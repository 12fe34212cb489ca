"""LISTEN on a connection of its own that comes back by itself. Notifications are hints: the table is the truth."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Self

import asyncpg
from asyncpg import Record

from libs.persistence.errors import translated
from libs.runtime.errors import ServiceError
from libs.runtime.logging import get_logger

_CONNECT_SECONDS: Final = 3.0
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0
_log = get_logger(__name__)


class Listener:
    """The payloads of one channel, to be iterated: ``async with Listener(dsn, "x") as hints: async for hint in hints``.

    An empty payload comes after each connection made: some may have been missed, so look at the table. When nobody
    takes them, the oldest are dropped beyond ``capacity``.
    """

    def __init__(
        self,
        dsn: str,
        channel: str,
        *,
        application_name: str = "hearthgate-listener",
        ping_every: timedelta = timedelta(seconds=15),
        capacity: int = 1024,
    ) -> None:
        self._dsn = dsn
        self._channel = channel
        self._application_name = application_name
        self._ping_seconds = ping_every.total_seconds()
        self._payloads: asyncio.Queue[str] = asyncio.Queue(maxsize=capacity)
        self._task: asyncio.Task[None] | None = None
        self.connected: Final = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"listen-{self._channel}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        return await self._payloads.get()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except ServiceError as error:
                _log.warning("listener lost its connection", channel=self._channel, detail=error.detail)
            pause = _FIRST_PAUSE_SECONDS if self.connected.is_set() else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            self.connected.clear()
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    async def _listen(self) -> None:
        lost = asyncio.Event()
        with translated():
            connection = await self._connect()
            try:
                connection.add_termination_listener(lambda _: lost.set())
                await connection.add_listener(self._channel, self._take)
                self._put("")
                self.connected.set()
                await self._watch(connection, lost)
            finally:
                # Not close(): it would wait for a server that may be gone.
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection[Record]:
        return await asyncpg.connect(
            self._dsn,
            timeout=_CONNECT_SECONDS,
            command_timeout=_CONNECT_SECONDS,
            server_settings={"application_name": self._application_name},
        )

    async def _watch(self, connection: asyncpg.Connection[Record], lost: asyncio.Event) -> None:
        """Until the connection ends, or a ping shows that it has died without a word."""
        while not lost.is_set():
            try:
                async with asyncio.timeout(self._ping_seconds):
                    await lost.wait()
            except TimeoutError:
                await connection.execute("/* listener.ping: whether the connection lives */ select 1")

    def _take(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._put(str(payload))

    def _put(self, payload: str) -> None:
        if self._payloads.full():
            self._payloads.get_nowait()
        self._payloads.put_nowait(payload)

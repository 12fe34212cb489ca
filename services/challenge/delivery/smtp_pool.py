"""A small bounded pool of connections to one mail server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiosmtplib

from services.challenge.delivery.endpoints import SmtpEndpoint, SmtpSecurity

# Servers close idle connections after a few minutes; ours leave before.
_MAX_IDLE_SECONDS: Final = 30.0
_QUIT_SECONDS: Final = 2.0
_START_TLS: Final = {
    SmtpSecurity.TLS: False,
    SmtpSecurity.STARTTLS_REQUIRED: True,
    SmtpSecurity.STARTTLS_AUTO: None,
    SmtpSecurity.OFF: False,
}


class PooledConnection:
    """A connection lent out; ``reused`` when it may have died since its last use."""

    def __init__(self, client: aiosmtplib.SMTP, *, reused: bool) -> None:
        self.client = client
        self.reused = reused


class SmtpPool:
    """Lends at most ``size`` connections at once; a connection whose use raised is not lent again."""

    def __init__(
        self, endpoint: SmtpEndpoint, *, size: int, step_timeout: float, tls_context: ssl.SSLContext | None
    ) -> None:
        self._endpoint = endpoint
        self._step_timeout = step_timeout
        self._tls_context = tls_context
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []

    @asynccontextmanager
    async def lend(self, *, fresh: bool = False) -> AsyncIterator[PooledConnection]:
        """Lend a live connection, an idle one unless ``fresh``; raises what aiosmtplib raises on connecting."""
        async with self._free:
            idle = None if fresh else self._take_idle()
            connection = PooledConnection(idle or await self._connect(), reused=idle is not None)
            try:
                yield connection
            except BaseException:
                connection.client.close()
                raise
            if connection.client.is_connected:
                self._idle.append((connection.client, asyncio.get_running_loop().time()))

    async def close(self) -> None:
        """Wait until nothing is lent, then say goodbye on every idle connection."""
        for _ in range(self._size):
            await self._free.acquire()
        while self._idle:
            client, _ = self._idle.pop()
            try:
                async with asyncio.timeout(_QUIT_SECONDS):
                    await client.quit()
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                pass  # It was going away in any case.
            finally:
                client.close()
        for _ in range(self._size):
            self._free.release()

    def _take_idle(self) -> aiosmtplib.SMTP | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            client, since = self._idle.pop()
            if client.is_connected and now - since < _MAX_IDLE_SECONDS:
                return client
            client.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        endpoint = self._endpoint
        client = aiosmtplib.SMTP(
            hostname=endpoint.host,
            port=endpoint.port,
            username=endpoint.username,
            password=endpoint.password,
            # Given, because the default asks DNS for this machine's name.
            local_hostname="localhost",
            timeout=self._step_timeout,
            use_tls=endpoint.security is SmtpSecurity.TLS,
            start_tls=_START_TLS[endpoint.security],
            tls_context=self._tls_context,
        )
        await client.connect()
        return client

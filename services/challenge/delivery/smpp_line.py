"""One of a sender's lines to an SMSC: a session that is bound when it is needed, and again after a loss."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.smpp_session import ReceiptHandler, SessionLostError, SmppSession


@dataclass(frozen=True, kw_only=True, slots=True)
class LineOptions:
    """``window`` submits at once; a bind has ``bind_timeout`` seconds; the backoff doubles from first to longest."""

    window: int
    bind_timeout: float
    first_backoff: timedelta
    longest_backoff: timedelta


class SmppLine:
    """After a bind that failed, ``session`` fails at once until the backoff is over."""

    def __init__(self, endpoint: SmppEndpoint, options: LineOptions, on_receipt: ReceiptHandler | None) -> None:
        self._endpoint = endpoint
        self._options = options
        self._on_receipt = on_receipt
        self._backoff = options.first_backoff
        self._next_bind = 0.0
        self._session: SmppSession | None = None
        self._binding = asyncio.Lock()

    async def session(self) -> SmppSession:
        """A session worth submitting to. Raises SessionLostError."""
        async with self._binding:
            if self._session is not None and await self._session.usable():
                return self._session
            if asyncio.get_running_loop().time() < self._next_bind:
                raise SessionLostError("the text provider could not be bound lately")
            await self._drop()
            self._session = await self._bind()
            return self._session

    def until_next_bind(self) -> timedelta:
        """How long nobody tries to bind."""
        seconds = self._next_bind - asyncio.get_running_loop().time()
        return timedelta(seconds=max(seconds, self._options.first_backoff.total_seconds()))

    async def close(self) -> None:
        """Unbind and disconnect."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _bind(self) -> SmppSession:
        options = self._options
        try:
            session = await SmppSession.open(
                self._endpoint, window=options.window, timeout=options.bind_timeout, on_receipt=self._on_receipt
            )
        except SessionLostError:
            self._next_bind = asyncio.get_running_loop().time() + self._backoff.total_seconds()
            self._backoff = min(self._backoff * 2, options.longest_backoff)
            raise
        self._backoff = options.first_backoff
        return session

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.abandon()

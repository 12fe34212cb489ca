"""A few sessions bound to one SMSC, each with its window; a lost one is bound again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.smpp_receipts import Delivery
from services.challenge.delivery.smpp_session import SessionLostError, SmppSession

_LEAST_PAUSE: Final = 0.05
_READ_OUT_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 0.1
"""The driver's threads still touch Python after its last answer; where the process ends then, they bring it down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLimits:
    """How many sessions, how many texts in each, and how long a bind may last and fail."""

    sessions: int
    window: int
    bind_timeout: float
    first_backoff: timedelta
    longest_backoff: timedelta


@dataclass(kw_only=True, slots=True)
class _Slot:
    """Room for one session."""

    backoff: timedelta
    session: SmppSession | None = None
    in_flight: int = 0
    next_bind: float = 0.0
    binding: asyncio.Lock = field(default_factory=asyncio.Lock)
    bound: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None

    @property
    def live(self) -> SmppSession | None:
        return self.session if self.session is not None and self.session.usable else None

    def until_next_bind(self) -> float:
        return max(self.next_bind - asyncio.get_running_loop().time(), 0.0)


class SmppPool:
    """Lends sessions; from the first use on, each is bound and, after a loss, bound again with a backoff.

    While one is live it is lent, and the others are bound beside it. While none is, a loan binds one; it fails at once
    where every bind failed lately. ``receive`` gets what the SMSC sends; without it, sessions only transmit.
    """

    def __init__(
        self,
        endpoint: SmppEndpoint,
        limits: PoolLimits,
        *,
        receive: Callable[[Delivery], Awaitable[None]] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._receive = receive
        self._slots = [_Slot(backoff=limits.first_backoff) for _ in range(limits.sessions)]
        self._changed = asyncio.Condition()
        self._closed = False

    def start(self) -> None:
        """Begin to bind every session; the first loan does so too."""
        for slot in self._slots:
            if slot.keeper is None and not self._closed:
                slot.keeper = asyncio.create_task(self._keep(slot), name="smpp session")

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[SmppSession]:
        """A live session with room in its window; raises ``SessionLostError`` where none can be had."""
        slot, session = await self._take()
        try:
            yield session
        finally:
            slot.in_flight -= 1
            await self._tell()

    def retry_after(self) -> timedelta:
        """When a text that could not be sent is worth another try."""
        seconds = 0.0 if self._live() else min(slot.until_next_bind() for slot in self._slots)
        return max(timedelta(seconds=seconds), self._limits.first_backoff)

    async def close(self) -> None:
        """Let every loan end, then unbind, read what had been sent to us, and stop."""
        self._closed = True
        async with self._changed:
            self._changed.notify_all()
            await self._changed.wait_for(lambda: not any(slot.in_flight for slot in self._slots))
        for slot in self._slots:
            if slot.live is None and slot.keeper is not None:
                slot.keeper.cancel()
        await asyncio.gather(*(self._end(slot) for slot in self._slots))
        if any(slot.keeper for slot in self._slots):
            await asyncio.sleep(_SETTLE_SECONDS)

    async def _end(self, slot: _Slot) -> None:
        async with slot.binding:
            if slot.session is not None:
                await slot.session.close()
        if slot.keeper is not None:
            await asyncio.wait([slot.keeper], timeout=_READ_OUT_SECONDS)
            slot.keeper.cancel()
            await asyncio.wait([slot.keeper])

    def _live(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.live is not None]

    async def _take(self) -> tuple[_Slot, SmppSession]:
        while not self._closed:
            live = self._live()
            slot = min(live, key=lambda each: each.in_flight, default=None)
            if slot is None:
                await self._bind_one()
            elif slot.in_flight < self._limits.window and slot.live is not None:
                slot.in_flight += 1
                return slot, slot.live
            else:
                async with self._changed:
                    await self._changed.wait_for(self._worth_a_look)
        raise SessionLostError("the text sender is closed")

    def _worth_a_look(self) -> bool:
        live = self._live()
        return self._closed or not live or any(slot.in_flight < self._limits.window for slot in live)

    async def _bind_one(self) -> None:
        try:
            # Rather one that no keeper is binding just now; where all wait, the one that waits least.
            await self._bound(
                min(self._slots, key=lambda slot: (slot.until_next_bind(), slot.binding.locked(), slot.next_bind))
            )
        finally:
            self.start()

    async def _bound(self, slot: _Slot) -> SmppSession:
        async with slot.binding:
            if slot.live is not None:
                return slot.live
            if self._closed or slot.until_next_bind() > 0:
                raise SessionLostError("the text provider could not be bound lately")
            await self._drop(slot)
            session = slot.session = await self._bind(slot)
            slot.bound.set()
        await self._tell()
        return session

    async def _bind(self, slot: _Slot) -> SmppSession:
        limits = self._limits
        try:
            session = await SmppSession.open(
                self._endpoint,
                window=limits.window,
                timeout=limits.bind_timeout,
                receives=self._receive is not None,
            )
        except SessionLostError:
            slot.next_bind = asyncio.get_running_loop().time() + slot.backoff.total_seconds()
            slot.backoff = min(slot.backoff * 2, limits.longest_backoff)
            raise
        slot.backoff = limits.first_backoff
        return session

    async def _keep(self, slot: _Slot) -> None:
        while not self._closed:
            with suppress(SessionLostError):
                session = await self._bound(slot)
                await self._listen(session)
            await self._tell()
            if slot.live is None:
                slot.bound.clear()
            if self._closed:
                return
            # A loan may bind it meanwhile.
            pause = max(slot.until_next_bind(), self._limits.first_backoff.total_seconds(), _LEAST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await slot.bound.wait()

    async def _listen(self, session: SmppSession) -> None:
        async with aclosing(session.deliveries()) as deliveries:
            async for delivery in deliveries:
                if self._receive is not None:
                    await self._receive(delivery)

    async def _drop(self, slot: _Slot) -> None:
        session, slot.session = slot.session, None
        if session is not None:
            await session.abandon()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

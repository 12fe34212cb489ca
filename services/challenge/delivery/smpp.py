"""Texts over SMPP 3.4."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from services.challenge.delivery.checks import check_text
from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    PermanentFailure,
    TemporaryFailure,
    TextMessageToSend,
)
from services.challenge.delivery.smpp_session import SessionLostError, ShortMessage, SmppSession
from services.challenge.delivery.text_segments import message_reference, split_text, with_header

_THROTTLED: Final = 0x58
_QUEUE_FULL: Final = 0x14
_RETRY: Final = {_THROTTLED: timedelta(seconds=1), _QUEUE_FULL: timedelta(seconds=5)}
_DEFAULT_RETRY: Final = timedelta(seconds=30)

# Only what speaks of the recipient or the content; the rest is the provider's or the operator's to mend.
_PERMANENT: Final = {
    0x01: "message length",
    0x0B: "destination",
    0x50: "destination type",
    0x51: "destination plan",
    0x66: "rejected by the receiver",
}


class SmppTextSender:
    """A ``TextSender`` over one SMPP session, bound when first needed and again after a loss.

    At most ``window`` texts are under way at once. A bind has ``bind_timeout`` seconds, each part's answer
    ``submit_timeout``, a text with its wait for the window ``send_timeout``. After a bind that failed, sends fail at
    once, with the time to wait, until the backoff is over; it doubles from ``first_backoff`` to ``longest_backoff``.
    """

    def __init__(
        self,
        endpoint: SmppEndpoint,
        *,
        window: int = 10,
        bind_timeout: float = 5.0,
        submit_timeout: float = 10.0,
        send_timeout: float = 30.0,
        first_backoff: timedelta = timedelta(milliseconds=250),
        longest_backoff: timedelta = timedelta(seconds=30),
    ) -> None:
        self._endpoint = endpoint
        self._window_size = window
        self._window = asyncio.Semaphore(window)
        self._bind_timeout = bind_timeout
        self._submit_timeout = submit_timeout
        self._send_timeout = send_timeout
        self._first_backoff = first_backoff
        self._longest_backoff = longest_backoff
        self._backoff = first_backoff
        self._next_bind = 0.0
        self._session: SmppSession | None = None
        self._binding = asyncio.Lock()
        self._closed = False

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """See ``TextSender.send``."""
        check_text(message)
        try:
            async with asyncio.timeout(self._send_timeout), self._window:
                if self._closed:
                    return TemporaryFailure(reason="the text sender is closed")
                return await self._send(message)
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=_DEFAULT_RETRY)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        self._closed = True
        for _ in range(self._window_size):
            await self._window.acquire()
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        for _ in range(self._window_size):
            self._window.release()

    async def _send(self, message: TextMessageToSend) -> DeliveryOutcome:
        try:
            session = await self._bound_session()
            return await self._submit_parts(session, message)
        except SessionLostError as lost:
            return TemporaryFailure(reason=str(lost), retry_after=self._until_next_bind())

    async def _submit_parts(self, session: SmppSession, message: TextMessageToSend) -> DeliveryOutcome:
        first_id = ""
        for part in _parts(message):
            try:
                result = await session.submit(part, timeout=self._submit_timeout)
            except TimeoutError:
                # The answer may still come, but a session that is late once cannot be told from a dead one.
                await session.abandon()
                raise
            if result.status != 0:
                return _rejected(result.status)
            first_id = first_id or result.message_id
        return Accepted(provider_reference=first_id)

    async def _bound_session(self) -> SmppSession:
        async with self._binding:
            if self._session is not None and await self._session.usable():
                return self._session
            if asyncio.get_running_loop().time() < self._next_bind:
                raise SessionLostError("the text provider could not be bound lately")
            await self._drop_session()
            self._session = await self._bind()
            return self._session

    async def _bind(self) -> SmppSession:
        try:
            session = await SmppSession.open(self._endpoint, window=self._window_size, timeout=self._bind_timeout)
        except SessionLostError:
            self._next_bind = asyncio.get_running_loop().time() + self._backoff.total_seconds()
            self._backoff = min(self._backoff * 2, self._longest_backoff)
            raise
        self._backoff = self._first_backoff
        return session

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.abandon()

    def _until_next_bind(self) -> timedelta:
        seconds = self._next_bind - asyncio.get_running_loop().time()
        return timedelta(seconds=max(seconds, self._first_backoff.total_seconds()))


def _parts(message: TextMessageToSend) -> list[ShortMessage]:
    segmented = split_text(message.text)
    reference, total = message_reference(message.message_id), len(segmented.parts)
    return [
        ShortMessage(
            destination=message.recipient,
            octets=part if total == 1 else with_header(part, reference=reference, total=total, number=number),
            data_coding=segmented.data_coding,
            has_header=total > 1,
            reference=reference,
        )
        for number, part in enumerate(segmented.parts, start=1)
    ]


def _rejected(status: int) -> DeliveryOutcome:
    if status in _PERMANENT:
        return PermanentFailure(reason=f"smpp 0x{status:02x} {_PERMANENT[status]}")
    what = "throttled" if status == _THROTTLED else "not accepted"
    return TemporaryFailure(reason=f"smpp 0x{status:02x} {what}", retry_after=_RETRY.get(status, _DEFAULT_RETRY))

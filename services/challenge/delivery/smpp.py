"""Texts over SMPP 3.4."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from libs.runtime.logging import get_logger
from services.challenge.delivery.checks import check_text
from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    PermanentFailure,
    Receipt,
    ReceiptSink,
    TemporaryFailure,
    TextMessageToSend,
)
from services.challenge.delivery.smpp_line import LineOptions, SmppLine
from services.challenge.delivery.smpp_receipts import SmppReceipt
from services.challenge.delivery.smpp_session import SessionLostError, ShortMessage, SmppSession
from services.challenge.delivery.smpp_throttle import Throttle
from services.challenge.delivery.text_segments import message_reference, split_text, with_header

_SLOW_DOWN: Final = frozenset({0x58, 0x14})
"""ESME_RTHROTTLED and ESME_RMSGQFUL (SMPP 3.4, 5.1.3)."""
_DEFAULT_RETRY: Final = timedelta(seconds=30)
_RECEIPT_PAUSES: Final = (0.2, 1.0, 5.0, 15.0)
"""Seconds between tries to hand a receipt on."""

# Only what speaks of the recipient or the content; the rest is the provider's or the operator's to mend.
_PERMANENT: Final = {
    0x01: "message length",
    0x0B: "destination",
    0x50: "destination type",
    0x51: "destination plan",
    0x66: "rejected by the receiver",
}
_DEAD_NUMBER: Final = frozenset({0x0B})
_log = get_logger(__name__)


class SmppTextSender:
    """A ``TextSender`` over some SMPP sessions, each bound when first needed and again after a loss.

    At most ``window`` texts a session are under way at once. A bind has ``bind_timeout`` seconds, each part's answer
    ``submit_timeout``, a text with its waits ``send_timeout``. While one session is lost the others carry on. An SMSC
    that throttles holds all of them back.
    """

    def __init__(
        self,
        endpoint: SmppEndpoint,
        *,
        name: str = "smpp",
        sessions: int = 2,
        window: int = 10,
        bind_timeout: float = 5.0,
        submit_timeout: float = 10.0,
        send_timeout: float = 30.0,
        first_backoff: timedelta = timedelta(milliseconds=250),
        longest_backoff: timedelta = timedelta(seconds=30),
        on_receipt: ReceiptSink | None = None,
    ) -> None:
        self._name = name
        self._receipt_ids = endpoint.receipt_ids
        self._sink = on_receipt
        options = LineOptions(
            window=window, bind_timeout=bind_timeout, first_backoff=first_backoff, longest_backoff=longest_backoff
        )
        handler = self._take_receipt if on_receipt is not None else None
        self._lines = [SmppLine(endpoint, options, handler) for _ in range(sessions)]
        self._room = sessions * window
        self._window = asyncio.Semaphore(self._room)
        self._turn = 0
        self._throttle = Throttle()
        self._submit_timeout = submit_timeout
        self._send_timeout = send_timeout
        self._closed = False

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """See ``TextSender.send``."""
        check_text(message)
        try:
            async with asyncio.timeout(self._send_timeout), self._window:
                if self._closed:
                    return TemporaryFailure(reason="the text sender is closed")
                await asyncio.sleep(self._throttle.wait(asyncio.get_running_loop().time()))
                return await self._send(message)
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=_DEFAULT_RETRY)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        self._closed = True
        for _ in range(self._room):
            await self._window.acquire()
        for line in self._lines:
            await line.close()
        for _ in range(self._room):
            self._window.release()

    async def _send(self, message: TextMessageToSend) -> DeliveryOutcome:
        lost: TemporaryFailure | None = None
        for line in self._in_turn():
            try:
                session = await line.session()
            except SessionLostError as error:
                lost = TemporaryFailure(reason=str(error), retry_after=line.until_next_bind())
                continue
            try:
                return await self._submit_parts(session, message)
            except SessionLostError as error:
                # The SMSC may have it: the repeat is for whoever keeps the message, under the same reference.
                return TemporaryFailure(reason=str(error), retry_after=line.until_next_bind())
        return lost or TemporaryFailure(reason="no session to the text provider")

    def _in_turn(self) -> list[SmppLine]:
        self._turn = (self._turn + 1) % len(self._lines)
        return self._lines[self._turn :] + self._lines[: self._turn]

    async def _submit_parts(self, session: SmppSession, message: TextMessageToSend) -> DeliveryOutcome:
        last_id = ""
        for part in _parts(message):
            try:
                result = await session.submit(part, timeout=self._submit_timeout)
            except TimeoutError:
                # The answer may still come, but a session that is late once cannot be told from a dead one.
                await session.abandon()
                raise
            if result.status != 0:
                return self._rejected(result.status)
            last_id = result.message_id
        self._throttle.taken()
        return Accepted(provider=self._name, provider_reference=self._receipt_ids.as_in_receipts(last_id))

    def _rejected(self, status: int) -> DeliveryOutcome:
        if status in _PERMANENT:
            reason = f"smpp 0x{status:02x} {_PERMANENT[status]}"
            return PermanentFailure(reason=reason, about_recipient=status in _DEAD_NUMBER)
        if status in _SLOW_DOWN:
            pause = self._throttle.throttled(asyncio.get_running_loop().time())
            return TemporaryFailure(reason=f"smpp 0x{status:02x} throttled", retry_after=timedelta(seconds=pause))
        return TemporaryFailure(reason=f"smpp 0x{status:02x} not accepted", retry_after=_DEFAULT_RETRY)

    async def _take_receipt(self, receipt: SmppReceipt) -> None:
        """Hand a receipt on, and again while the one who takes it is in trouble: the SMSC will not repeat it."""
        assert self._sink is not None
        handed = Receipt(
            provider=self._name, provider_reference=receipt.message_id, state=receipt.state, reason=receipt.status
        )
        for pause in _RECEIPT_PAUSES:
            try:
                await self._sink(handed)
                return
            except Exception as error:
                _log.warning("receipt not taken", provider=self._name, error=type(error).__name__)
                await asyncio.sleep(pause)
        _log.error("receipt lost", provider=self._name, state=receipt.state)


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
            # The text has arrived when its last part has: phones show it then.
            wants_receipt=number == total,
        )
        for number, part in enumerate(segmented.parts, start=1)
    ]

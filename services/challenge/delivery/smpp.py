"""Texts over SMPP 3.4."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.challenge.delivery.checks import check_text
from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    PermanentFailure,
    ReceiptSink,
    TemporaryFailure,
    TextMessageToSend,
)
from services.challenge.delivery.receipt_desk import ReceiptDesk
from services.challenge.delivery.smpp_pool import PoolLimits, SmppPool
from services.challenge.delivery.smpp_receipts import Delivery, MessageIdForms, canonical_id, read_receipt
from services.challenge.delivery.smpp_session import SessionLostError, ShortMessage, SmppSession, SubmitResult
from services.challenge.delivery.text_segments import message_reference, split_text, with_header
from services.challenge.delivery.throttle import ThrottleRule

_BUSY: Final = {0x14: "queue full", 0x58: "throttled"}
_DEFAULT_RETRY: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refusal:
    what: str
    about_recipient: bool = False


# Only what speaks of the recipient or the content; the rest is the provider's or the operator's to mend. Of SMPP 3.4's
# statuses one alone says that there is no such number. Type and plan are ours and the same for every number, and a
# receiver that rejects is there; a provider's own statuses (0x400 on) mean something else at each.
_PERMANENT: Final = {
    0x01: _Refusal(what="message length"),
    0x0B: _Refusal(what="destination", about_recipient=True),
    0x50: _Refusal(what="destination type"),
    0x51: _Refusal(what="destination plan"),
    0x66: _Refusal(what="rejected by the receiver"),
}


class _HeldBackError(Exception):
    """The provider's pause lasts longer than this text can wait."""


class SmppTextSender:
    """A ``TextSender`` over up to ``sessions`` SMPP sessions, bound when first needed and again after a loss.

    At most ``window`` texts are under way in each. A bind has ``bind_timeout`` seconds, each part's answer
    ``submit_timeout``, a text with its waits ``send_timeout``. After binds that failed, sends fail at once, with the
    time to wait, until a backoff is over; it doubles from ``first_backoff`` to ``longest_backoff``. A text that the
    provider throttles fails; all others are held for a pause of ``first_pause`` or more, and spaced after it (see
    ``ThrottleRule``).

    With ``on_receipt``, receipts are asked for and handed to it under the id of a text's last part, also one that comes
    before the answer to the submit; it is called again where it raises (see ``ReceiptDesk``).
    """

    def __init__(
        self,
        endpoint: SmppEndpoint,
        *,
        name: str = "smpp",
        sessions: int = 2,
        window: int = 10,
        on_receipt: ReceiptSink | None = None,
        id_forms: MessageIdForms | None = None,
        bind_timeout: float = 5.0,
        submit_timeout: float = 10.0,
        send_timeout: float = 30.0,
        first_backoff: timedelta = timedelta(milliseconds=250),
        longest_backoff: timedelta = timedelta(seconds=30),
        first_pause: timedelta = timedelta(seconds=1),
    ) -> None:
        self._name = name
        self._id_forms = id_forms or MessageIdForms()
        self._submit_timeout = submit_timeout
        self._send_timeout = send_timeout
        self._desk = ReceiptDesk(on_receipt) if on_receipt else None
        self._throttle = ThrottleRule(first=first_pause.total_seconds(), longest=send_timeout, clock=_now)
        self._turn = asyncio.Lock()
        self._held = 0
        self._pool = SmppPool(
            endpoint,
            PoolLimits(
                sessions=sessions,
                window=window,
                bind_timeout=bind_timeout,
                first_backoff=first_backoff,
                longest_backoff=longest_backoff,
            ),
            receive=self._receive if on_receipt else None,
        )

    def start(self) -> None:
        """Bind now, so that receipts come before the first text is sent; without it, that text binds."""
        self._pool.start()

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """See ``TextSender.send``."""
        check_text(message)
        deadline = _now() + self._send_timeout
        try:
            async with asyncio.timeout(self._send_timeout), self._pool.lend() as session:
                return await self._submit_parts(session, message, deadline)
        except SessionLostError as lost:
            return TemporaryFailure(reason=str(lost), retry_after=self._pool.retry_after())
        except _HeldBackError:
            return TemporaryFailure(reason="the text provider throttles", retry_after=self._pause())
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=_DEFAULT_RETRY)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        await self._pool.close()
        if self._desk is not None:
            await self._desk.close()

    async def _submit_parts(self, session: SmppSession, message: TextMessageToSend, deadline: float) -> DeliveryOutcome:
        last_id = ""
        for part in _parts(message, wants_receipt=self._desk is not None):
            result = await self._submit(session, part, sent_at=await self._turn_to_submit(deadline))
            if result.status != 0:
                return self._rejected(result.status)
            last_id = result.message_id
        return Accepted(provider_reference=canonical_id(last_id, self._id_forms.answer), provider=self._name)

    async def _turn_to_submit(self, deadline: float) -> float:
        """Wait until the provider may be asked, one after the other; the moment at which it is."""
        if _now() + self._throttle.wait(ahead=self._held) >= deadline:
            raise _HeldBackError
        self._held += 1
        try:
            async with self._turn:
                # A pause may begin while this one waits.
                while (wait := self._throttle.wait()) > 0:
                    if _now() + wait >= deadline:
                        raise _HeldBackError
                    await asyncio.sleep(wait)
                return self._throttle.sent()
        finally:
            self._held -= 1

    async def _submit(self, session: SmppSession, part: ShortMessage, *, sent_at: float) -> SubmitResult:
        try:
            result = await session.submit(part, timeout=self._submit_timeout)
        except TimeoutError:
            # The answer may still come, but a session that is late once cannot be told from a dead one.
            await session.abandon()
            raise
        if result.status in _BUSY:
            self._throttle.throttled(sent_at)
        elif result.status == 0:
            self._throttle.taken(sent_at)
        return result

    def _rejected(self, status: int) -> DeliveryOutcome:
        refusal = _PERMANENT.get(status)
        if refusal is not None:
            return PermanentFailure(
                reason=f"smpp 0x{status:02x} {refusal.what}", about_recipient=refusal.about_recipient
            )
        what = _BUSY.get(status, "not accepted")
        return TemporaryFailure(
            reason=f"smpp 0x{status:02x} {what}", retry_after=self._pause() if status in _BUSY else _DEFAULT_RETRY
        )

    def _pause(self) -> timedelta:
        return timedelta(seconds=self._throttle.wait(ahead=self._held))

    async def _receive(self, delivery: Delivery) -> None:
        receipt = read_receipt(delivery, provider=self._name, forms=self._id_forms)
        if receipt is not None and self._desk is not None:
            await self._desk.hand_in(receipt)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _parts(message: TextMessageToSend, *, wants_receipt: bool) -> list[ShortMessage]:
    segmented = split_text(message.text)
    reference, total = message_reference(message.message_id), len(segmented.parts)
    return [
        ShortMessage(
            destination=message.recipient,
            octets=part if total == 1 else with_header(part, reference=reference, total=total, number=number),
            data_coding=segmented.data_coding,
            has_header=total > 1,
            reference=reference,
            wants_receipt=wants_receipt and number == total,
        )
        for number, part in enumerate(segmented.parts, start=1)
    ]

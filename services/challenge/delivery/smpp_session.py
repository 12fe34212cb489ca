"""One bound session to an SMSC: the only module that knows smpp34.

What the driver does, measured: a refused bind looks like silence and ends with the bind timeout; a field that is too
long panics in its core, so lengths are checked before; every ``command_status`` comes through as a number; a lost
connection ends a pending submit with ``SmppError``; it sends ``enquire_link`` every 30 s and does not reconnect. It
acknowledges a ``deliver_sm`` by itself before it shows it, so that a receipt cannot be given back: whoever handles one
has to keep at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import smpp34

from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.smpp_receipts import SmppReceipt, read_receipt

ReceiptHandler = Callable[[SmppReceipt], Awaitable[None]]

_UNBIND_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 2.0
_TON_INTERNATIONAL, _TON_NETWORK, _TON_ALPHANUMERIC = 1, 3, 5
_NPI_UNKNOWN, _NPI_E164 = 0, 1
_SHORT_CODE_DIGITS: Final = 8


class SessionLostError(Exception):
    """The session is gone, or never came up; the message is fit for a log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShortMessage:
    """One part to submit; ``has_header`` when its octets begin with a user data header."""

    destination: str
    octets: bytes
    data_coding: int
    has_header: bool
    reference: int
    wants_receipt: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitResult:
    """The SMSC's answer: a command status, and a message id when that is 0."""

    status: int
    message_id: str


class SmppSession:
    """One bound session; ``open`` it, and open another when it is no longer ``usable``."""

    def __init__(
        self, client: smpp34.Client, smsc: smpp34.Smsc, source: str, on_receipt: ReceiptHandler | None
    ) -> None:
        self._client = client
        self._smsc = smsc
        self._source = source
        self._source_ton, self._source_npi = _source_type(source)
        self._abandoned = False
        self._wants_receipts = on_receipt is not None
        self._listening = asyncio.create_task(_listen(smsc, on_receipt)) if on_receipt is not None else None

    @classmethod
    async def open(
        cls, endpoint: SmppEndpoint, *, window: int, timeout: float, on_receipt: ReceiptHandler | None = None
    ) -> SmppSession:
        """Connect and bind within ``timeout`` seconds: as transceiver where receipts are handled, else as transmitter.

        Raises ``SessionLostError``.
        """
        client = smpp34.Client(
            endpoint.host,
            endpoint.port,
            endpoint.system_id,
            endpoint.password,
            bind_type="TX" if on_receipt is None else "TRX",
            tls=endpoint.tls,
            window_size=window,
            connect_timeout_ms=int(timeout * 1000),
        )
        try:
            async with asyncio.timeout(timeout + 1):
                return cls(client, await client.connect(), endpoint.source, on_receipt)
        except TimeoutError:
            await _stop(client)
            raise SessionLostError("the text provider did not answer the bind") from None
        except smpp34.SmppError as error:
            await _stop(client)
            refused = "bind" in str(error)
            what = "refused or did not answer the bind" if refused else "cannot be reached"
            raise SessionLostError(f"the text provider {what}") from None
        except BaseException:
            await _stop(client)
            raise

    async def usable(self) -> bool:
        """Whether a submit is worth trying."""
        return not self._abandoned and await self._client.is_alive()

    async def submit(self, message: ShortMessage, *, timeout: float) -> SubmitResult:
        """Submit one part; ``TimeoutError`` after ``timeout`` seconds, ``SessionLostError`` when the session ended."""
        try:
            async with asyncio.timeout(timeout):
                response = await self._smsc.submit_sm(
                    message.destination.removeprefix("+"),
                    message.octets,
                    source_addr=self._source.removeprefix("+"),
                    source_addr_ton=self._source_ton,
                    source_addr_npi=self._source_npi,
                    dest_addr_ton=_TON_INTERNATIONAL,
                    dest_addr_npi=_NPI_E164,
                    esm_class=0x40 if message.has_header else 0,
                    data_coding=message.data_coding,
                    registered_delivery=int(message.wants_receipt and self._wants_receipts),
                    tlvs=[smpp34.Tlv(_USER_MESSAGE_REFERENCE, message.reference.to_bytes(2, "big"))],
                )
        except smpp34.SmppError:
            raise SessionLostError("the text provider's session was lost") from None
        return SubmitResult(status=response.command_status, message_id=response.message_id or "")

    async def abandon(self) -> None:
        """Cut a session that no longer answers."""
        self._abandoned = True
        await self._stop_listening()
        await _stop(self._client)

    async def close(self) -> None:
        """Unbind and disconnect."""
        self._abandoned = True
        if await self._client.is_alive():
            with suppress(smpp34.SmppError, TimeoutError):
                async with asyncio.timeout(_UNBIND_SECONDS):
                    await self._smsc.unbind()
        await self._stop_listening()
        await _stop(self._client)

    async def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])


# TLV user_message_reference: the same for a repeat, so that the provider can tell one.
_USER_MESSAGE_REFERENCE: Final = 0x0204


async def _listen(smsc: smpp34.Smsc, on_receipt: ReceiptHandler) -> None:
    """Hand receipts on, one after the other, until the session ends; the driver bounds those that wait."""
    while True:
        try:
            event = await smsc.next()
        except smpp34.SmppError:
            return
        if not isinstance(event, smpp34.DeliverSmEvent):
            return
        parameters = {each.tag: each.value for each in event.tlvs}
        receipt = read_receipt(event.esm_class, event.short_message, parameters)
        if receipt is not None:
            await on_receipt(receipt)


async def _stop(client: smpp34.Client) -> None:
    with suppress(smpp34.SmppError, TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await client.stop()


def _source_type(source: str) -> tuple[int, int]:
    digits = source.removeprefix("+")
    if not digits.isdecimal():
        return _TON_ALPHANUMERIC, _NPI_UNKNOWN
    if len(digits) <= _SHORT_CODE_DIGITS:
        return _TON_NETWORK, _NPI_UNKNOWN
    return _TON_INTERNATIONAL, _NPI_E164

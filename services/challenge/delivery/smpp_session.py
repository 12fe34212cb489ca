"""One bound session to an SMSC: the only module that knows smpp34.

What the driver does, measured: a refused bind looks like silence and ends with the bind timeout; a field that is too
long panics in its core, so lengths are checked before; every ``command_status`` comes through as a number; a lost
connection ends a pending submit with ``SmppError``; it sends ``enquire_link`` every 30 s and does not reconnect.

It answers each ``deliver_sm`` by itself, with OK once the event waits for ``next()``; no answer of ours can be given,
so an SMSC cannot be asked to repeat a receipt. Two that come close together may change places. When ``_INBOUND`` events
wait it answers ESME_RMSGQFUL, which an SMSC does repeat, and then ends the session. That end and ``stop()`` bring no
event. So events are taken at once and are queued on our side, and a silent session is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import smpp34

from services.challenge.delivery.endpoints import SmppEndpoint
from services.challenge.delivery.smpp_receipts import Delivery

_INBOUND: Final = 1024
_LOOK_SECONDS: Final = 5.0
_READ_OUT_SECONDS: Final = 0.1
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
    """A transceiver's or transmitter's session; ``open`` it, and open another when it is no longer ``usable``."""

    def __init__(self, client: smpp34.Client, smsc: smpp34.Smsc, source: str) -> None:
        self._client = client
        self._smsc = smsc
        self._source = source
        self._source_ton, self._source_npi = _source_type(source)
        self._over = False
        self._stopped = asyncio.Event()

    @classmethod
    async def open(cls, endpoint: SmppEndpoint, *, window: int, timeout: float, receives: bool = False) -> SmppSession:
        """Connect and bind within ``timeout`` seconds; raises ``SessionLostError``."""
        client = smpp34.Client(
            endpoint.host,
            endpoint.port,
            endpoint.system_id,
            endpoint.password,
            bind_type="TRX" if receives else "TX",
            tls=endpoint.tls,
            window_size=window,
            inbound_capacity=_INBOUND,
            connect_timeout_ms=int(timeout * 1000),
        )
        try:
            async with asyncio.timeout(timeout + 1):
                return cls(client, await client.connect(), endpoint.source)
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

    @property
    def usable(self) -> bool:
        """Whether a submit is worth trying, as far as is known."""
        return not self._over

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """What the SMSC sends, until the session has ended."""
        try:
            while (event := await self._next_event()) is not None:
                yield Delivery(
                    esm_class=event.esm_class,
                    octets=event.short_message,
                    options={tlv.tag: tlv.value for tlv in event.tlvs},
                )
        finally:
            self._over = True

    async def _next_event(self) -> smpp34.DeliverSmEvent | None:
        coming = asyncio.ensure_future(self._smsc.next())
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            while not coming.done():
                await asyncio.wait([coming, stopped], timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if stopped.done() or not await self._client.is_alive():
                    await asyncio.wait([coming], timeout=_READ_OUT_SECONDS)
                    break
            event = coming.result() if coming.done() else None
        except smpp34.SmppError:
            return None
        finally:
            coming.cancel()
            stopped.cancel()
        return event if isinstance(event, smpp34.DeliverSmEvent) else None

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
                    registered_delivery=1 if message.wants_receipt else 0,
                    data_coding=message.data_coding,
                    tlvs=[smpp34.Tlv(_USER_MESSAGE_REFERENCE, message.reference.to_bytes(2, "big"))],
                )
        except smpp34.SmppError:
            self._over = self._over or not await self._client.is_alive()
            raise SessionLostError("the text provider's session was lost") from None
        return SubmitResult(status=response.command_status, message_id=response.message_id or "")

    async def abandon(self) -> None:
        """Cut a session that no longer answers."""
        self._over = True
        await self._stop()

    async def close(self) -> None:
        """Unbind and disconnect."""
        self._over = True
        if await self._client.is_alive():
            with suppress(smpp34.SmppError, TimeoutError):
                async with asyncio.timeout(_UNBIND_SECONDS):
                    await self._smsc.unbind()
        await self._stop()

    async def _stop(self) -> None:
        await _stop(self._client)
        self._stopped.set()


# TLV user_message_reference: the same for a repeat, so that the provider can tell one.
_USER_MESSAGE_REFERENCE: Final = 0x0204


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

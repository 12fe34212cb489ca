"""One bound session to an SMSC: the only module that knows smpp34.

What the driver does, measured: a refused bind looks like silence and ends with the bind timeout; a field that is too
long panics in its core, so lengths are checked before; every ``command_status`` comes through as a number; a lost
connection ends a pending submit with ``SmppError``; it sends ``enquire_link`` every 30 s and does not reconnect.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import smpp34

from services.challenge.delivery.endpoints import SmppEndpoint

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


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitResult:
    """The SMSC's answer: a command status, and a message id when that is 0."""

    status: int
    message_id: str


class SmppSession:
    """A transmitter's session; ``open`` it, and open another when it is no longer ``usable``."""

    def __init__(self, client: smpp34.Client, smsc: smpp34.Smsc, source: str) -> None:
        self._client = client
        self._smsc = smsc
        self._source = source
        self._source_ton, self._source_npi = _source_type(source)
        self._abandoned = False

    @classmethod
    async def open(cls, endpoint: SmppEndpoint, *, window: int, timeout: float) -> SmppSession:
        """Connect and bind within ``timeout`` seconds; raises ``SessionLostError``."""
        client = smpp34.Client(
            endpoint.host,
            endpoint.port,
            endpoint.system_id,
            endpoint.password,
            bind_type="TX",
            tls=endpoint.tls,
            window_size=window,
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
                    tlvs=[smpp34.Tlv(_USER_MESSAGE_REFERENCE, message.reference.to_bytes(2, "big"))],
                )
        except smpp34.SmppError:
            raise SessionLostError("the text provider's session was lost") from None
        return SubmitResult(status=response.command_status, message_id=response.message_id or "")

    async def abandon(self) -> None:
        """Cut a session that no longer answers."""
        self._abandoned = True
        await _stop(self._client)

    async def close(self) -> None:
        """Unbind and disconnect."""
        self._abandoned = True
        if await self._client.is_alive():
            with suppress(smpp34.SmppError, TimeoutError):
                async with asyncio.timeout(_UNBIND_SECONDS):
                    await self._smsc.unbind()
        await _stop(self._client)


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

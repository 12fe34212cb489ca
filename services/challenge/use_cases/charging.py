"""What a send is charged to outside its account's transaction, and given back where nothing was sent.

The charges lie in other places than the account's rows, so each is committed by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Final

from libs.persistence.errors import UniqueViolation
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.challenge.domain.charges import Charge, charge_of_notice, charges_of_send
from services.challenge.domain.destinations import Destination
from services.challenge.domain.policy import Limit
from services.challenge.metrics import count_refused, count_stopped_range
from services.challenge.storage.limits import LimitStore
from services.challenge.use_cases.context import Context

_RANGE, _COUNTRY = "range", "country"
_NOT_MADE: Final = frozenset({ErrorReason.LIMIT_EXCEEDED})
_log = get_logger(__name__)

GiveBack = Callable[[], Awaitable[None]]


@asynccontextmanager
async def charged_code(
    context: Context, destination: Destination | None, ip_address: str, now: datetime
) -> AsyncIterator[None]:
    """Charge a code around the transaction that makes it; a question on a device has no destination, and costs nothing.

    Raises LIMIT_EXCEEDED. Where the block shows that nothing was made, the charges are given back.
    """
    if destination is None:
        yield
        return
    async with _given_back(_Till(context, now)) as till:
        await till.destination(destination, context.policy.sends_per_destination)
        for charge in charges_of_send(destination, ip_address, context.policy):
            await till.bucket(charge)
        await till.phone_ranges(destination)
        yield


@asynccontextmanager
async def charged_notice(
    context: Context, destination: Destination | None, ip_address: str, now: datetime
) -> AsyncIterator[None]:
    """Charge a notice that no stranger can cause: money alone, wherever it came from. Raises LIMIT_EXCEEDED."""
    async with _given_back(_Till(context, now)) as till:
        if destination is not None:
            await till.bucket(charge_of_notice(destination, context.policy))
        yield


def phone_range_hashes(context: Context, destination: Destination | None) -> tuple[bytes, ...]:
    """Under which hashes codes to a number are counted: its range of ten thousand, and its country."""
    ranges = destination.phone_ranges if destination else None
    if ranges is None:
        return ()
    return context.keys.bucket_hash(_RANGE, ranges[0]), context.keys.bucket_hash(_COUNTRY, ranges[1])


class _Till:
    """The charges made so far, each with how it is given back."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._limits = LimitStore(context.database)
        self._now = now
        self._paid: list[GiveBack] = []

    async def destination(self, destination: Destination, limit: Limit) -> None:
        hashed = self._context.keys.destination_hash(destination.canonical)
        mark = await self._limits.charge_destination(hashed, limit, self._now)
        self._paid.append(partial(self._limits.refund_destination, hashed, mark))

    async def bucket(self, charge: Charge) -> None:
        hashed = self._context.keys.bucket_hash(charge.kind, charge.key)
        await self._limits.charge_bucket(hashed, charge, self._now)
        self._paid.append(partial(self._limits.refund_bucket, hashed, charge))

    async def phone_ranges(self, destination: Destination) -> None:
        pumping = self._context.policy.pumping
        most: Sequence[tuple[str, int]] = ((_RANGE, pumping.sent_to_range), (_COUNTRY, pumping.sent_to_country))
        hashes = phone_range_hashes(self._context, destination)
        for hashed, (kind, sent) in zip(hashes, most, strict=False):
            stopped = await self._limits.charge_phone_range(hashed, pumping, sent, self._now)
            self._paid.append(partial(self._limits.refund_phone_range, hashed))
            if stopped:
                count_stopped_range(kind)
                _log.warning("phone range stopped", range_hash=hashed.hex()[:16], kind=kind)

    async def give_back(self) -> None:
        for refund in reversed(self._paid):
            with suppress(ServiceError):
                await refund()


@asynccontextmanager
async def _given_back(till: _Till) -> AsyncIterator[_Till]:
    try:
        yield till
    except ServiceError as error:
        if error.reason in _NOT_MADE:
            count_refused(error.metadata.get("limit", ""))
            await till.give_back()
        raise
    except UniqueViolation:
        await till.give_back()
        raise

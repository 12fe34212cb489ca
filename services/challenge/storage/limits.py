"""Sliding windows in PostgreSQL: each charge is one statement that either counts or refuses.

A window keeps the times of its latest events, newest first, and only as many as its limit: an event fits when the one
that many places back has left the window. Times within a window are made distinct, so that one can be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge.domain.charges import Charge
from services.challenge.domain.policy import Limit, Pumping
from services.challenge.storage import sql

_LEAST_WAIT: Final = timedelta(seconds=1)

SendKind = Literal["message", "approval"]


class LimitStore:
    """The limits, over the database or within a transaction."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def charge_failure(
        self, account_id: UUID, purpose: str, *, limit: Limit, in_a_row: int, pause: timedelta, now: datetime
    ) -> datetime | None:
        """Count a guess as a failure before it is made: its mark, for :meth:`settle_failure`. None: none is left."""
        mark: datetime | None = await self._executor.fetch_value(
            sql.CHARGE_FAILURE, account_id, purpose, now, limit.count, limit.cutoff(now), in_a_row, now - pause
        )
        return mark

    async def settle_failure(self, account_id: UUID, purpose: str, mark: datetime, *, succeeded: bool) -> None:
        """Take a charge back. A success also ends the row of failures; it leaves the window's other failures."""
        await self._executor.execute(sql.SETTLE_FAILURE, account_id, purpose, mark, succeeded)

    async def charge_account(self, account_id: UUID, kind: SendKind, limit: Limit, now: datetime) -> None:
        """Count a send of an account; within a transaction it also serialises the account's sends.

        Raises LIMIT_EXCEEDED.
        """
        mark = await self._executor.fetch_value(
            sql.CHARGE_ACCOUNT, account_id, kind, now, limit.count, limit.cutoff(now)
        )
        if mark is None:
            oldest = await self._executor.fetch_value(sql.ACCOUNT_OLDEST, account_id, kind, limit.count)
            raise _exceeded(f"{kind}s per account", limit.retry_after(oldest, now))

    async def charge_destination(self, destination_hash: bytes, limit: Limit, now: datetime) -> datetime:
        """Count a send to a destination: its mark, for :meth:`refund_destination`. Raises LIMIT_EXCEEDED."""
        mark: datetime | None = await self._executor.fetch_value(
            sql.CHARGE_DESTINATION, destination_hash, now, limit.count, limit.cutoff(now)
        )
        if mark is None:
            oldest = await self._executor.fetch_value(sql.DESTINATION_OLDEST, destination_hash, limit.count)
            raise _exceeded("messages per destination", limit.retry_after(oldest, now))
        return mark

    async def refund_destination(self, destination_hash: bytes, mark: datetime) -> None:
        """Take back the charge of a send that was not made."""
        await self._executor.execute(sql.REFUND_DESTINATION, destination_hash, mark)

    async def charge_bucket(self, bucket_hash: bytes, charge: Charge, now: datetime) -> None:
        """Fill a bucket. Raises LIMIT_EXCEEDED where it does not hold that."""
        full = await self._executor.fetch_value(sql.CHARGE_BUCKET, bucket_hash, now, charge.cost, charge.window)
        if full is None:
            full = await self._executor.fetch_value(sql.BUCKET_TIME, bucket_hash) or now
            raise _exceeded(charge.kind, max(full + charge.cost - charge.window - now, _LEAST_WAIT))

    async def refund_bucket(self, bucket_hash: bytes, charge: Charge) -> None:
        """Take back what was not used."""
        await self._executor.execute(sql.REFUND_BUCKET, bucket_hash, charge.cost)

    async def charge_phone_range(self, range_hash: bytes, pumping: Pumping, most_sent: int, now: datetime) -> bool:
        """Count a code to a range of numbers; whether that stopped it. Raises LIMIT_EXCEEDED."""
        row = await self._executor.fetch_row(
            sql.CHARGE_PHONE_RANGE,
            range_hash,
            now,
            now - pumping.window,
            most_sent,
            pumping.least_verified,
            now + pumping.pause,
        )
        if row is not None:
            return row["stopped_until"] is not None
        until = await self._executor.fetch_value(sql.PHONE_RANGE_STOPPED, range_hash) or now
        raise _exceeded("phone_range_stopped", max(until - now, _LEAST_WAIT))

    async def refund_phone_range(self, range_hash: bytes) -> None:
        """Take back a code that was not sent."""
        await self._executor.execute(sql.REFUND_PHONE_RANGE, range_hash)

    async def count_verified(self, range_hashes: Sequence[bytes]) -> None:
        """A code sent to these ranges was entered."""
        await self._executor.execute(sql.COUNT_VERIFIED, list(range_hashes))


def _exceeded(limit: str, retry_after: timedelta) -> ServiceError:
    return ServiceError(
        ErrorReason.LIMIT_EXCEEDED, detail=limit, retry_after=retry_after, metadata={"limit": limit.replace(" ", "_")}
    )

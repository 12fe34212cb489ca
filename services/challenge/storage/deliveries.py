"""Deliveries in PostgreSQL: the queue that a worker empties, and what others see of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.challenge.domain.challenge import Channel, DeadLetter, Delivery, DeliveryState
from services.challenge.storage import delivery_sql as sql
from services.challenge.storage.challenges import delivery_from_row

SEALED_DISOWN_TOKEN: Final = "sealed_disown_token"
"""The parameter that is sealed, and gone once the message is not queued any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A message to be written. ``parameters`` hold nothing secret in the clear.

    ``sealed_destination`` is None for one that is not to be sent; ``suppressed`` then says why.
    """

    account_id: UUID
    delivery_id: UUID
    challenge_id: UUID | None
    message_id: UUID
    kind: str
    channel: Channel
    language: str
    parameters: Mapping[str, str] = field(repr=False)
    sealed_destination: bytes | None = field(repr=False)
    create_time: datetime
    expire_time: datetime
    suppressed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedDelivery:
    """A message that this worker may send until its lease ends."""

    account_id: UUID
    delivery_id: UUID
    challenge_id: UUID | None
    message_id: UUID
    kind: str
    channel: Channel
    language: str
    parameters: Mapping[str, str] = field(repr=False)
    sealed_destination: bytes = field(repr=False)
    sealed_code: bytes | None = field(repr=False)
    """None for a notice, and where the challenge is over."""
    attempt: int
    expire_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenDelivery:
    """A message that a provider took, under the provider's own id; ``destination_hash`` is its address's."""

    account_id: UUID
    delivery_id: UUID
    provider: str
    provider_reference: str
    destination_hash: bytes = field(repr=False)


class DeliveryStore:
    """Deliveries, over the database or within a transaction."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def insert(self, delivery: NewDelivery) -> None:
        """Add a message to be sent."""
        await self._executor.execute(
            sql.INSERT_DELIVERY,
            delivery.account_id,
            delivery.delivery_id,
            delivery.challenge_id,
            delivery.message_id,
            delivery.kind,
            delivery.channel,
            delivery.language,
            json.dumps(dict(delivery.parameters)),
            delivery.sealed_destination,
            delivery.create_time,
            delivery.expire_time,
            DeliveryState.SUPPRESSED if delivery.suppressed else DeliveryState.QUEUED,
            delivery.suppressed,
        )

    async def find(self, account_id: UUID, delivery_id: UUID) -> Delivery | None:
        """One message of the account."""
        row = await self._executor.fetch_row(sql.FIND_DELIVERY, account_id, delivery_id)
        return delivery_from_row(row) if row else None

    async def of_challenges(self, account_id: UUID, challenge_ids: Iterable[UUID]) -> list[Delivery]:
        """The messages of some challenges of an account, oldest first."""
        rows = await self._executor.fetch(sql.LIST_DELIVERIES, account_id, list(challenge_ids))
        return [delivery_from_row(row) for row in rows]

    async def claim(self, limit: int, *, now: datetime, lease_until: datetime) -> list[ClaimedDelivery]:
        """Up to ``limit`` due messages, each leased to this caller alone."""
        due = await self._executor.fetch(sql.DUE, now, limit)
        if not due:
            return []
        accounts, deliveries = [row["account_id"] for row in due], [row["delivery_id"] for row in due]
        rows = await self._executor.fetch(sql.CLAIM, accounts, deliveries, now, lease_until)
        return [_claimed_from_row(row) for row in rows]

    async def mark_accepted(self, taken: Sequence[TakenDelivery], now: datetime) -> None:
        """Providers took these."""
        await self._executor.execute(
            sql.MARK_ACCEPTED,
            [each.account_id for each in taken],
            [each.delivery_id for each in taken],
            [each.provider_reference for each in taken],
            [each.provider for each in taken],
            now,
        )

    async def mark_over(self, delivery: ClaimedDelivery, state: DeliveryState, reason: str, now: datetime) -> None:
        """It will not be sent; ``reason`` is fit for a log."""
        await self._executor.execute(
            sql.MARK_OVER, delivery.account_id, delivery.delivery_id, delivery.attempt, state, reason, now
        )

    async def mark_failed(self, delivery: ClaimedDelivery, next_attempt: datetime, reason: str, now: datetime) -> None:
        """This attempt failed; ``reason`` is fit for a log."""
        await self._executor.execute(
            sql.MARK_FAILED, delivery.account_id, delivery.delivery_id, delivery.attempt, next_attempt, reason, now
        )

    async def report(self, account_id: UUID, delivery_id: UUID, state: DeliveryState, now: datetime) -> Delivery | None:
        """A provider's word; None where the message is unknown or has had its final word."""
        row = await self._executor.fetch_row(sql.REPORT, account_id, delivery_id, state, now)
        return delivery_from_row(row) if row else None

    async def dead_letters(self, since: datetime, limit: int) -> list[DeadLetter]:
        """Messages of every account that were given up since, newest first."""
        rows = await self._executor.fetch(sql.DEAD_LETTERS, since, limit)
        return [
            DeadLetter(
                account_id=row["account_id"],
                delivery=delivery_from_row(row),
                kind=row["kind"],
                create_time=row["create_time"],
            )
            for row in rows
        ]


def _claimed_from_row(row: Record) -> ClaimedDelivery:
    return ClaimedDelivery(
        account_id=row["account_id"],
        delivery_id=row["delivery_id"],
        challenge_id=row["challenge_id"],
        message_id=row["message_id"],
        kind=row["kind"],
        channel=Channel(row["channel"]),
        language=row["language"],
        parameters=json.loads(row["parameters"]),
        sealed_destination=row["sealed_destination"],
        sealed_code=row["sealed_code"],
        attempt=row["attempt_count"],
        expire_time=row["expire_time"],
    )

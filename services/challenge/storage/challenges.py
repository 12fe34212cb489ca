"""Challenges in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.challenge.domain.challenge import (
    Challenge,
    ChallengeState,
    Channel,
    Delivery,
    DeliveryState,
    Purpose,
    Requester,
    SpentGuess,
)
from services.challenge.storage import ending_sql, sql


class ChallengeStore:
    """Challenges, over the database (each statement committed by itself) or within a transaction."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def find(self, account_id: UUID, challenge_id: UUID) -> Challenge | None:
        """One challenge of the account."""
        row = await self._executor.fetch_row(sql.FIND_CHALLENGE, account_id, challenge_id)
        return challenge_from_row(row) if row else None

    async def list_pending(self, account_id: UUID, now: datetime, limit: int) -> list[Challenge]:
        """The account's pending challenges, newest first."""
        rows = await self._executor.fetch(sql.LIST_PENDING, account_id, now, limit)
        return [challenge_from_row(row) for row in rows]

    async def insert(self, challenge: Challenge, code_hash: bytes | None) -> None:
        """Add a pending challenge. Raises UniqueViolation where its device and purpose have one already."""
        requester = challenge.requester
        await self._executor.execute(
            sql.INSERT_CHALLENGE,
            challenge.account_id,
            challenge.challenge_id,
            challenge.purpose,
            challenge.channel,
            requester.device_id,
            requester.device_kind,
            requester.device_platform,
            requester.device_name,
            requester.country_code,
            challenge.language,
            challenge.masked_destination,
            challenge.destination_hash,
            challenge.match_number,
            code_hash,
            challenge.sealed_code,
            challenge.attempts_left,
            challenge.create_time,
            challenge.expire_time,
            challenge.session_id,
            list(challenge.phone_range_hashes),
        )

    async def supersede(self, account_id: UUID, device_id: str, purpose: Purpose, now: datetime) -> list[UUID]:
        """End what is pending for a device and purpose; the ids of what ended."""
        rows = await self._executor.fetch(sql.SUPERSEDE, account_id, device_id, purpose, now)
        return [row["challenge_id"] for row in rows]

    async def end_others(
        self, account_id: UUID, purposes: Iterable[Purpose], kept_hashes: Collection[bytes], now: datetime
    ) -> list[UUID]:
        """End pending codes for these purposes that went to no destination with such a hash; the ids of what ended."""
        rows = await self._executor.fetch(ending_sql.END_OTHERS, account_id, list(purposes), list(kept_hashes), now)
        return [row["challenge_id"] for row in rows]

    async def spend_guess(
        self,
        account_id: UUID,
        challenge_id: UUID,
        device_id: str,
        session_id: UUID | None,
        *,
        code_hash: bytes,
        request_id: UUID,
        now: datetime,
    ) -> Challenge | None:
        """Spend an attempt and compare; the challenge after that, or None where nothing was compared.

        Never to be called within a transaction: what it spends must stay spent.
        """
        row = await self._executor.fetch_row(
            sql.SPEND_GUESS, account_id, challenge_id, device_id, now, code_hash, request_id, session_id
        )
        return challenge_from_row(row) if row else None

    async def decide(
        self, account_id: UUID, challenge_id: UUID, deciding_device_id: str, state: ChallengeState, now: datetime
    ) -> Challenge | None:
        """Give a household device's answer; None where the challenge does not take it."""
        row = await self._executor.fetch_row(sql.DECIDE, account_id, challenge_id, deciding_device_id, state, now)
        return challenge_from_row(row) if row else None

    async def fingerprints(self, watched: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[Any, ...]]:
        """For each (account, challenge) a value that differs when something about it has changed."""
        pairs = list(watched)
        accounts, challenges = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        rows = await self._executor.fetch(sql.WATCHED, accounts, challenges)
        return {
            (row["account_id"], row["challenge_id"]): (row["state"], row["attempts_left"], row["delivery_time"])
            for row in rows
        }

    async def expire(self, now: datetime) -> int:
        """Clear the codes of challenges whose time has run out; how many there were."""
        return int((await self._executor.execute(sql.EXPIRE_CHALLENGES, now)).rpartition(" ")[2])


def challenge_from_row(row: Record) -> Challenge:
    """The record of a row."""
    guesses = zip(row["verify_request_ids"], row["verify_results"], strict=True)
    return Challenge(
        account_id=row["account_id"],
        challenge_id=row["challenge_id"],
        purpose=Purpose(row["purpose"]),
        channel=Channel(row["channel"]),
        state=ChallengeState(row["state"]),
        requester=_requester_from_row(row),
        language=row["language"],
        masked_destination=row["masked_destination"],
        destination_hash=row["destination_hash"],
        match_number=row["match_number"],
        sealed_code=row["sealed_code"],
        session_id=row["session_id"],
        phone_range_hashes=tuple(row["phone_range_hashes"]),
        attempts_left=row["attempts_left"],
        guesses=tuple(
            SpentGuess(request_id=request_id, accepted=result == "accepted") for request_id, result in guesses
        ),
        deciding_device_id=row["deciding_device_id"],
        create_time=row["create_time"],
        expire_time=row["expire_time"],
    )


def delivery_from_row(row: Record) -> Delivery:
    """The record of a row."""
    return Delivery(
        delivery_id=row["delivery_id"],
        challenge_id=row["challenge_id"],
        message_id=row["message_id"],
        channel=Channel(row["channel"]),
        state=DeliveryState(row["state"]),
        attempt_count=row["attempt_count"],
        update_time=row["update_time"],
        provider=row["provider"],
        last_failure=row["last_failure"],
    )


def _requester_from_row(row: Record) -> Requester:
    return Requester(
        device_id=row["device_id"],
        device_kind=row["device_kind"],
        device_platform=row["device_platform"],
        device_name=row["device_name"],
        country_code=row["country_code"],
    )

"""What request ids have made: the one place that knows how a repeat is recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.persistence.privacy import account_hash
from libs.runtime.errors import not_found
from services.challenge.domain.verification import request_id_reused
from services.challenge.storage import privacy_sql, sql


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as it is recognised: who, which id, which RPC, which body."""

    account_id: UUID
    request_id: UUID
    rpc: str
    body_digest: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a request has made, or the answer that was kept for its repeats."""

    challenge_id: UUID | None = None
    delivery_id: UUID | None = None
    answer: str | None = None


class RequestStore:
    """Requests, over the database or within a transaction."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def find(self, request: Request) -> Made | None:
        """What this request made; None for a new one. Raises REQUEST_ID_REUSED; NOT_FOUND for an erased account."""
        row = await self._executor.fetch_row(
            privacy_sql.FIND_REQUEST, request.account_id, request.request_id, account_hash(request.account_id)
        )
        if row is None or row["is_erased"]:
            raise not_found("account")
        if row["rpc"] is None:
            return None
        if row["rpc"] != request.rpc or row["body_digest"] != request.body_digest:
            raise request_id_reused()
        return Made(challenge_id=row["challenge_id"], delivery_id=row["delivery_id"], answer=row["answer"])

    async def begin(self, request: Request, now: datetime) -> Made | None:
        """Remember a request that makes nothing; what is known of it where it came before.

        Raises REQUEST_ID_REUSED; NOT_FOUND for an erased account.
        """
        values = (request.account_id, request.request_id, request.rpc, request.body_digest, now)
        new = await self._executor.fetch_value(privacy_sql.BEGIN_REQUEST, *values, account_hash(request.account_id))
        return await self.find(request) if new is None else None

    async def keep_answer(self, request: Request, answer: str) -> None:
        """Give the same answer to a repeat."""
        await self._executor.execute(sql.ANSWER_REQUEST, request.account_id, request.request_id, answer)

    async def insert(self, request: Request, made: Made, now: datetime) -> None:
        """Remember it.

        Raises UniqueViolation where the same id came at the same time; NOT_FOUND for an erased account.
        """
        tag = await self._executor.execute(
            privacy_sql.INSERT_REQUEST,
            request.account_id,
            request.request_id,
            request.rpc,
            request.body_digest,
            made.challenge_id,
            made.delivery_id,
            now,
            account_hash(request.account_id),
        )
        if tag == "INSERT 0 0":
            raise not_found("account")

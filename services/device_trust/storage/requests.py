"""Request ids: the same id with the same body gets the same answer, written in the transaction that made it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from libs.persistence.database import Database, Executor
from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from libs.runtime.keys import keyed_hash
from services.device_trust.storage import sql
from services.device_trust.storage.store import Store

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request that is made once: its id, and the digest of what it asked for."""

    account_id: UUID
    request_id: UUID
    digest: bytes


def request_digest(rpc: str, *parts: bytes | str) -> bytes:
    """SHA-256 over what a request means, which excludes what the edge merely observed."""
    return keyed_hash(b"", rpc, *parts)


async def once(
    database: Database,
    request: Request,
    answers: TypeAdapter[AnswerT],
    now: datetime,
    make: Callable[[Executor], Awaitable[AnswerT]],
) -> AnswerT:
    """Lock the account's household, then ``make`` the answer and keep it; or give the one that was kept.

    Raises REQUEST_ID_REUSED for an id that was used with another body, and whatever ``make`` raises, which then
    leaves nothing behind.
    """
    async with database.transaction() as transaction:
        await Store(transaction).lock_household(request.account_id, now)
        kept = await _find(transaction, request)
        if kept is not None:
            return answers.validate_json(kept)
        answer = await make(transaction)
        text = answers.dump_json(answer).decode()
        await transaction.execute(sql.KEEP_ANSWER, request.account_id, request.request_id, request.digest, text, now)
        return answer


async def _find(transaction: Executor, request: Request) -> str | None:
    row = await transaction.fetch_row(sql.FIND_ANSWER, request.account_id, request.request_id)
    if row is None:
        return None
    if not hmac.compare_digest(row["body_digest"], request.digest):
        violation = FieldViolation(field="request_id", description="was used before with another request")
        raise ServiceError(ErrorReason.REQUEST_ID_REUSED, detail="request_id", fields=[violation])
    answer: str = row["answer"]
    return answer

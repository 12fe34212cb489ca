"""The same request id gives the same answer: the one place where that is remembered."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from services.identity.storage import sql


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestKey:
    """A request by its id. ``fingerprints`` are keyed hashes of its body under every key, the current one first."""

    request_id: UUID
    method: str
    fingerprints: Sequence[bytes]


async def claim_request(
    transaction: Executor, key: RequestKey, *, account_id: UUID, made_id: UUID, now: datetime
) -> UUID:
    """Note, in the transaction that makes it, what a request of an account makes.

    Answers ``made_id``, or what an earlier request with the same id made: then there is nothing left to make. Waits
    for a transaction under way with the same id. Raises REQUEST_ID_REUSED for another body.
    """
    claimed = await transaction.execute(
        sql.CLAIM_REQUEST, account_id, key.request_id, key.method, key.fingerprints[0], made_id, now
    )
    if _inserted(claimed):
        return made_id
    return _made_before(await transaction.fetch_row(sql.FIND_REQUEST, account_id, key.request_id), key)


async def claim_sign_up(transaction: Executor, key: RequestKey, *, account_id: UUID, now: datetime) -> UUID:
    """The same for the making of an account, when there is no account yet to note it under."""
    claimed = await transaction.execute(sql.CLAIM_SIGN_UP, key.request_id, account_id, key.fingerprints[0], now)
    if _inserted(claimed):
        return account_id
    return _made_before(await transaction.fetch_row(sql.FIND_SIGN_UP, key.request_id), key)


def request_id_reused() -> ServiceError:
    """The error for a request id that came before with another body."""
    text = "was used before with another request"
    return ServiceError(ErrorReason.REQUEST_ID_REUSED, fields=(FieldViolation(field="request_id", description=text),))


def _made_before(row: Record | None, key: RequestKey) -> UUID:
    if row is None:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="a request vanished between two statements")
    if not any(hmac.compare_digest(row["fingerprint"], known) for known in key.fingerprints):
        raise request_id_reused()
    made_id: UUID = row["made_id"]
    return made_id


def _inserted(tag: str) -> bool:
    return tag == "INSERT 0 1"

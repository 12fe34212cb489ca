"""Decisions as they are kept."""

from __future__ import annotations

import json
from typing import Final
from uuid import UUID

from asyncpg import Record
from pydantic import TypeAdapter

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError
from services.gateway.domain.decision import (
    DecisionRecord,
    Outcome,
    ReasonCode,
    RuleTrace,
    StartAnswer,
    Verdict,
)
from services.gateway.storage import sql

REQUEST_CONSTRAINT: Final = "decision_request"
"""The constraint that a second decision for one request id breaks."""

_ANSWER: Final = TypeAdapter(StartAnswer)
_RULES: Final = TypeAdapter(tuple[RuleTrace, ...])


async def insert(executor: Executor, record: DecisionRecord) -> None:
    """Keep a decision. Raises UniqueViolation(REQUEST_CONSTRAINT) when the request id has one already."""
    await executor.execute(
        sql.INSERT_DECISION,
        *(record.account_id, record.decision_id, record.request_id, record.kind, record.body_digest),
        *(record.verdict.outcome, record.verdict.reason, record.cell, record.shadow_outcome, record.policy_version),
        *(json.dumps(record.facts), _RULES.dump_json(record.rules).decode()),
        *(_ANSWER.dump_json(record.answer).decode() if record.answer else None, record.decide_time),
    )


async def find(executor: Executor, account_id: UUID, decision_id: UUID) -> DecisionRecord | None:
    """A decision by its id, or None."""
    row = await executor.fetch_row(sql.FIND_DECISION, account_id, decision_id)
    return _record(row) if row else None


async def find_by_request(
    executor: Executor, account_id: UUID, kind: str, request_id: UUID, body_digest: bytes
) -> DecisionRecord | None:
    """The decision that a request id has already, or None. Raises REQUEST_ID_REUSED when its body was another."""
    row = await executor.fetch_row(sql.FIND_DECISION_BY_REQUEST, account_id, kind, request_id)
    if row is None:
        return None
    if row["body_digest"] != body_digest:
        raise request_id_reused()
    return _record(row)


def request_id_reused() -> ServiceError:
    """The error for a request id that came with another body before."""
    field = FieldViolation(field="request_id", description="was used before with another request; use a new UUID")
    return ServiceError(ErrorReason.REQUEST_ID_REUSED, fields=(field,))


def _record(row: Record) -> DecisionRecord:
    answer = _ANSWER.validate_json(row["answer"]) if row["answer"] else None
    verdict = Verdict(outcome=Outcome(row["outcome"]), reason=ReasonCode(row["reason"]))
    shadow = row["shadow_outcome"]
    return DecisionRecord(
        account_id=row["account_id"],
        decision_id=row["decision_id"],
        request_id=row["request_id"],
        kind=row["kind"],
        body_digest=row["body_digest"],
        verdict=answer.verdict if answer else verdict,
        cell=row["cell"],
        shadow_outcome=Outcome(shadow) if shadow else None,
        policy_version=row["policy_version"],
        facts=json.loads(row["facts"]),
        rules=_RULES.validate_json(row["rules"]),
        answer=answer,
        decide_time=row["decide_time"],
    )

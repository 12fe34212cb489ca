"""ExplainDecision: every rule that was looked at, and every fact it saw."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.gateway.domain.decision import DecisionRecord
from services.gateway.storage import decisions
from services.gateway.use_cases.context import Context


async def explain_decision(context: Context, account_id: UUID, decision_id: UUID) -> DecisionRecord:
    """The decision as it was kept. Raises NOT_FOUND."""
    record = await decisions.find(context.database, account_id, decision_id)
    if record is None:
        raise not_found("decision")
    return record

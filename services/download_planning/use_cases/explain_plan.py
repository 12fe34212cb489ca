"""ExplainPlan: what was considered for a plan, and why it was kept or not."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.download_planning.domain.plan import Explanation
from services.download_planning.use_cases.context import Context


async def explain_plan(context: Context, account_id: UUID, plan_id: UUID) -> Explanation:
    """The plan and its candidates. NOT_FOUND where the account has no such plan, or its retention time is over."""
    explanation = await context.store.find_explanation(account_id, plan_id)
    if explanation is None:
        raise not_found("plan")
    return explanation

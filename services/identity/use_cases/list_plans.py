"""ListPlans: list the plans that can be had."""

from __future__ import annotations

from services.identity.domain.account import Plan
from services.identity.storage import accounts
from services.identity.use_cases.context import Identity


async def list_plans(*, identity: Identity) -> list[Plan]:
    """Every plan that can be ordered, by name."""
    return [plan for plan in await accounts.list_plans(identity.database) if plan.orderable]

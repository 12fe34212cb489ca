"""GetHousehold: where a household lives and what is left of its allowances."""

from __future__ import annotations

from uuid import UUID

from services.device_trust.domain.allowances import Allowances, allowances_left
from services.device_trust.domain.history import day_of
from services.device_trust.domain.residences import ResidenceSummary, summarise
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context


async def get_household(context: Context, account_id: UUID) -> tuple[list[ResidenceSummary], Allowances]:
    """The residences, oldest first, each with the number of devices seen there lately; and the account's allowances."""
    now = context.clock.now()
    store = Store(context.database)
    household = (await store.load(account_id, None, now, context.policy.allowance_period)).household
    since = day_of(now - context.policy.home_presence)
    residences = [summarise(each, household.history, since) for each in household.residences]
    return residences, allowances_left(household, now, context.policy, network=None)

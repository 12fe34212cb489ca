"""DeclareTravel: declares days on which the household travels."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.device_trust.domain.allowances import Allowances, allowances_left
from services.device_trust.domain.records import Travel
from services.device_trust.domain.travel import check_travel
from services.device_trust.storage.requests import Request, once
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context

_ALLOWANCES: Final = TypeAdapter(Allowances)
_log = get_logger(__name__)


async def declare_travel(context: Context, request: Request, travel: Travel) -> Allowances:
    """Take the travel's days from the allowance; return what is left. Counts once for a request id.

    Raises ALLOWANCE_EXHAUSTED, INVALID_FIELD for days that end before they begin or lie in the past.
    """
    now = context.clock.now()

    async def make(transaction: Executor) -> Allowances:
        store = Store(transaction)
        loaded = await store.load(request.account_id, None, now, context.policy.allowance_period)
        household = loaded.household
        check_travel(travel, household, now, context.policy)
        await store.add_travel(request.account_id, request.request_id, travel)
        declared = replace(household, travels=(*household.travels, travel))
        return allowances_left(declared, now, context.policy, network=None)

    allowances = await once(context.database, request, _ALLOWANCES, now, make)
    _log.info("travel declared", account_id=request.account_id, country=travel.country)
    return allowances

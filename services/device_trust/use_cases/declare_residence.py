"""DeclareResidence: declares the network of a device of the household as a residence."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.device_trust.domain.history import day_of
from services.device_trust.domain.learning import found_home
from services.device_trust.domain.records import Client
from services.device_trust.domain.residences import ResidenceSummary, declare, summarise
from services.device_trust.storage.requests import Request, once
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.looking import look_up

_RESIDENCES: Final = TypeAdapter(ResidenceSummary)
_log = get_logger(__name__)


async def declare_residence(context: Context, request: Request, client: Client, name: str) -> ResidenceSummary:
    """Declare the place where the device is now; return it with the number of devices seen there lately.

    Counts once for a request id. Raises STATE_CONFLICT unless the device is of the household, LIMIT_EXCEEDED.
    """
    now = context.clock.now()

    async def make(transaction: Executor) -> ResidenceSummary:
        store = Store(transaction)
        facts = await look_up(context, store, request.account_id, client, now)
        residence = declare(facts, name, context.policy, context.ids.new())
        await store.save_residence(request.account_id, residence)
        history = facts.household.history
        found_home(history, client, now, context.policy, founder=False)
        await store.save_history(request.account_id, history)
        return summarise(residence, history, day_of(now - context.policy.home_presence))

    residence = await once(context.database, request, _RESIDENCES, now, make)
    _log.info("residence declared", account_id=request.account_id, residence_id=residence.residence_id)
    return residence

"""Keeping what a proof or a deferral bought."""

from __future__ import annotations

from dataclasses import replace

from services.device_trust.domain.confirmation import Purchase
from services.device_trust.domain.facts import Facts, look_again
from services.device_trust.storage.requests import Request
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context


async def keep_purchase(context: Context, store: Store, request: Request, facts: Facts, purchase: Purchase) -> Facts:
    """Write the device and the allowance used; return the facts as they are now. The household must be locked."""
    await store.save_devices(request.account_id, [purchase.device])
    household = facts.household
    if purchase.use is not None:
        await store.add_use(request.account_id, request.request_id, purchase.device.device_id, purchase.use)
        household = replace(household, uses=(*household.uses, purchase.use))
    return look_again(facts, purchase.device, household, context.policy, context.scorer)

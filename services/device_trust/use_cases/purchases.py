"""Keeping what a proof or a deferral bought."""

from __future__ import annotations

from dataclasses import replace

from services.device_trust.domain.confirmation import Purchase
from services.device_trust.domain.records import Facts
from services.device_trust.storage.requests import Request
from services.device_trust.storage.store import Store


async def keep_purchase(store: Store, request: Request, facts: Facts, purchase: Purchase) -> Facts:
    """Write the device and the allowance used; return the facts as they are now. The household must be locked."""
    await store.save_devices(request.account_id, [purchase.device])
    facts = replace(facts, device=purchase.device)
    if purchase.use is None:
        return facts
    await store.add_use(request.account_id, request.request_id, purchase.device.device_id, purchase.use)
    return replace(facts, uses=(*facts.uses, purchase.use))

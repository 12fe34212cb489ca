"""LiftRevocation: lets a device back in whose viewer had moved away, and came back."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.device_trust.domain.confirmation import moved_back
from services.device_trust.domain.records import Device, Standing
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.list_devices import last_standing

_log = get_logger(__name__)


async def lift_revocation(context: Context, account_id: UUID, device_id: str) -> tuple[Device, Standing]:
    """The device with its standing where it was last seen. One that was shut out for another reason stays so.

    Raises NOT_FOUND for a device that the account never saw.
    """
    now = context.clock.now()
    async with context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(account_id, now)
        found = await store.find_devices(account_id, [device_id])
        if not found:
            raise not_found("device")
        device = moved_back(found[0])
        if device != found[0]:
            await store.save_devices(account_id, [device])
            _log.info("revocation lifted", account_id=account_id, device_id=device_id)
        loaded = await store.load(account_id, None, now, context.policy.allowance_period)
    return device, last_standing(context, loaded.household, device, now)

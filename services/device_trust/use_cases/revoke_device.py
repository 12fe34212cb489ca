"""RevokeDevice: shuts a device out of an account."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.device_trust.domain.records import Device, RevocationReason
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context

_log = get_logger(__name__)


async def revoke_device(context: Context, account_id: UUID, device_id: str, reason: RevocationReason) -> Device:
    """Revoke a device, durably; one that is revoked keeps its time and reason. Raises NOT_FOUND."""
    now = context.clock.now()
    async with context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(account_id, now)
        found = await store.find_devices(account_id, [device_id])
        if not found:
            raise not_found("device")
        device = found[0]
        if device.revoked_time is not None:
            return device
        device = replace(device, revoked_time=now, revocation_reason=reason)
        await store.save_devices(account_id, [device])
    _log.info("device revoked", account_id=account_id, device_id=device_id, reason=reason)
    return device

"""ExportAccount: everything that device_trust holds about an account, for its household."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

from libs.persistence.privacy import Exported, Subject, export_holdings
from services.device_trust.domain.assessment import assess
from services.device_trust.domain.disclosure import tell_device
from services.device_trust.domain.records import Device
from services.device_trust.storage.privacy import holdings
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.list_devices import last_facts


async def export_account(context: Context, account_id: UUID) -> AsyncGenerator[list[Exported]]:
    """The records in chunks; none for an account that was never seen. Close it when leaving early.

    Each device is judged as it was last seen, and told with the scores and what made them.
    """
    now = context.clock.now()
    loaded = await Store(context.database).load(account_id, None, now, context.policy.allowance_period)

    def tell(device: Device) -> Mapping[str, Any]:
        facts = last_facts(context, loaded.household, device, now)
        use = loaded.household.history.devices.get(device.device_id)
        return tell_device(device, assess(facts, context.policy), use)

    async with aclosing(export_holdings(context.database, holdings(tell), Subject(account_id=account_id))) as chunks:
        async for chunk in chunks:
            yield chunk

"""Looking a device up: what the database holds of it and its household, as the facts that rules and scores read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.device_trust.domain.facts import Facts, look
from services.device_trust.domain.records import Client
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context


async def look_up(context: Context, store: Store, account_id: UUID, client: Client, now: datetime) -> Facts:
    """The facts about a device that is seen as ``client`` now. One statement."""
    loaded = await store.load(account_id, client, now, context.policy.allowance_period)
    return look(loaded.household, loaded.device, client, now, context.policy, context.scorer, loaded.crowd)

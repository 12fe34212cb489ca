"""AssessDevice: what a device, seen as a client, is to an account."""

from __future__ import annotations

from uuid import UUID

from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.records import Client
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.looking import look_up


async def assess_device(context: Context, account_id: UUID, client: Client) -> Assessment:
    """Assess without any effect: one statement, whose cost does not grow with the sightings taken in."""
    now = context.clock.now()
    facts = await look_up(context, Store(context.database), account_id, client, now)
    return assess(facts, context.policy)

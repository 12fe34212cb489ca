"""ListDevices: an account's devices as its owner sees them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Device, Facts, Standing
from services.device_trust.domain.standing import judge
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context


async def list_devices(context: Context, account_id: UUID) -> list[tuple[Device, Standing]]:
    """The devices, last seen first, at most 200, each with its standing where it was last seen."""
    store = Store(context.database)
    household = await store.load_facts(account_id, None, context.clock.now(), context.policy.allowance_period)
    devices = await store.list_devices(account_id)
    return [(device, last_standing(household, device, context.policy)) for device in devices]


def last_standing(household: Facts, device: Device, policy: Policy) -> Standing:
    """The standing of a device, judged now at the network of its last sighting."""
    facts = replace(household, device=device, network=device.last_network, country=device.last_country)
    return judge(facts, policy).standing

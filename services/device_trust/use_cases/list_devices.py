"""ListDevices: an account's devices as its owner sees them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.device_trust.domain.facts import Facts, Household, look
from services.device_trust.domain.records import Client, Device, Standing
from services.device_trust.domain.standing import judge
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context


async def list_devices(context: Context, account_id: UUID) -> list[tuple[Device, Standing]]:
    """The devices, last seen first, at most 200, each with its standing where it was last seen."""
    now = context.clock.now()
    store = Store(context.database)
    loaded = await store.load(account_id, None, now, context.policy.allowance_period)
    devices = await store.list_devices(account_id)
    return [(device, last_standing(context, loaded.household, device, now)) for device in devices]


def last_standing(context: Context, household: Household, device: Device, now: datetime) -> Standing:
    """The standing of a device, judged now at the network of its last sighting."""
    return judge(last_facts(context, household, device, now), context.policy).standing


def last_facts(context: Context, household: Household, device: Device, now: datetime) -> Facts:
    """The facts about a device as it was last seen."""
    network = household.history.networks.get(device.last_network)
    client = Client(
        device_id=device.device_id,
        kind=device.kind,
        name=device.name,
        platform=device.platform,
        network=device.last_network,
        wide=network.wide if network is not None else b"",
        country=device.last_country,
        asn=network.asn if network is not None and network.asn else None,
    )
    return look(household, device, client, now, context.policy, context.scorer)

"""RecordSightings: takes in where and when devices were seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from libs.runtime.logging import get_logger
from services.device_trust.domain.records import Sighting
from services.device_trust.domain.sightings import check_times, fold
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context

_log = get_logger(__name__)


async def record_sightings(context: Context, sightings: Sequence[Sighting]) -> int:
    """Take in a batch; return how many sightings were new.

    Nothing is taken in when one time is impossible (INVALID_FIELD, naming each). After that each account is
    atomic by itself, in the order of account ids; a repeated batch takes in what was left of it.
    """
    now = context.clock.now()
    retention = context.retention
    times = [sighting.event_time for sighting in sightings]
    check_times(times, now, ahead=retention.sighting_ahead, behind=retention.sighting_age)
    by_account: defaultdict[UUID, dict[UUID, Sighting]] = defaultdict(dict)
    for sighting in sightings:
        by_account[sighting.account_id].setdefault(sighting.sighting_id, sighting)
    recorded = 0
    for account_id in sorted(by_account):
        recorded += await _record_account(context, account_id, list(by_account[account_id].values()))
    _log.debug("sightings recorded", accounts=len(by_account), received=len(sightings), recorded=recorded)
    return recorded


async def _record_account(context: Context, account_id: UUID, sightings: Sequence[Sighting]) -> int:
    async with context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(account_id, context.clock.now())
        new_ids = await store.add_sightings(account_id, sightings)
        new = [sighting for sighting in sightings if sighting.sighting_id in new_ids]
        if not new:
            return 0
        devices = await store.find_devices(account_id, (sighting.client.device_id for sighting in new))
        change = fold(new, devices, await store.list_homes(account_id))
        await store.save_devices(account_id, change.devices)
        await store.add_presence(account_id, change.presence)
        await store.touch_residences(account_id, change.homes)
    return len(new)

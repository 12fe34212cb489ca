"""RecordSightings: takes in where and when devices were seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.device_trust.domain.records import Device, Sighting, see
from services.device_trust.domain.sightings import check_times, fold
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context

_log = get_logger(__name__)


async def record_sightings(context: Context, sightings: Sequence[Sighting], refused: Set[UUID] = frozenset()) -> int:
    """Take in a batch; return how many sightings were new. Of those in ``refused``, by id, only the devices are noted.

    Nothing is taken in when one time is impossible (INVALID_FIELD, naming each). After that each account is
    atomic by itself, in the order of account ids; a repeated batch takes in what was left of it. Sightings of an
    account that was erased come too late: they are passed over, and hold up nobody else's.
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
        try:
            recorded += await _record_account(context, account_id, list(by_account[account_id].values()), refused)
        except ServiceError as error:
            if error.reason is not ErrorReason.NOT_FOUND:
                raise
            _log.info("sightings came after the account was erased", count=len(by_account[account_id]))
    _log.debug("sightings recorded", accounts=len(by_account), received=len(sightings), recorded=recorded)
    return recorded


async def _record_account(context: Context, account_id: UUID, sightings: Sequence[Sighting], refused: Set[UUID]) -> int:
    async with context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(account_id, context.clock.now())
        new_ids = await store.add_sightings(account_id, sightings)
        new = [sighting for sighting in sightings if sighting.sighting_id in new_ids]
        let_in = [sighting for sighting in new if sighting.sighting_id not in refused]
        if let_in:
            await _learn(context, store, account_id, let_in)
        stopped = [sighting for sighting in new if sighting.sighting_id in refused]
        if stopped:
            await _note(store, account_id, stopped)
    return len(new)


async def _note(store: Store, account_id: UUID, stopped: Sequence[Sighting]) -> None:
    """Let the account know devices that were not let in, so that its people can see them and shut them out."""
    known: dict[str, Device] = {}
    for device in await store.find_devices(account_id, {sighting.client.device_id for sighting in stopped}):
        known[device.device_id] = device
    for sighting in sorted(stopped, key=lambda each: (each.event_time, each.sighting_id)):
        client = sighting.client
        known[client.device_id] = see(known.get(client.device_id), client, sighting.event_time)
    await store.save_devices(account_id, tuple(known.values()))


async def _learn(context: Context, store: Store, account_id: UUID, new: Sequence[Sighting]) -> None:
    """What the new sightings teach of the account, and that it was on their networks."""
    history = await store.find_history(account_id, min(sighting.event_time for sighting in new))
    devices = await store.find_devices(account_id, (sighting.client.device_id for sighting in new))
    residences = await store.list_residences(account_id)
    crowds = await store.find_crowds(sighting.client.network for sighting in new)
    after = fold(history, new, devices, residences, context.policy, crowds, context.ids.new)
    await store.save_devices(account_id, after.devices)
    await store.save_history(account_id, history)
    await store.change_residences(account_id, residences, after.residences)
    await store.see_networks(account_id, new)

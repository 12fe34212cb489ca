"""MoveProfile: a profile's viewing history and its list go along to another account."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from libs.runtime.errors import invalid_field
from libs.runtime.logging import get_logger
from services.download_planning.domain.devices import DeviceKey
from services.download_planning.use_cases.context import Context

_BATCH: Final = 1000
_log = get_logger(__name__)


async def move_profile(context: Context, *, source: UUID, profile_id: UUID, target: UUID, device_id: str = "") -> int:
    """Copy history and list to the target, then delete them in the source; how many viewings left the source.

    The two accounts may be on different machines, so each batch is a transaction in the one, then one in the other. A
    move that broke off is completed by repeating it: what is in the target already is passed over. Settings and plans
    of the profile are deleted in the source, and not moved: consent and trust are the new account's own. So are those
    that the device which leaves with it (``device_id``, where there is one) had there for other profiles.
    INVALID_FIELD where the two accounts are the same.
    """
    if source == target:
        raise invalid_field("target_account_id", "must be another account than source_account_id")
    moved = 0
    while batch := await context.store.list_viewings(source, profile_id, _BATCH):
        await context.store.record_viewings(target, profile_id, batch, context.clock.now())
        moved += await context.store.delete_viewings(source, profile_id, [each.viewing_id for each in batch])
    while items := await context.my_list.list_items(source, profile_id, _BATCH):
        await context.my_list.add(target, profile_id, items)
        await context.my_list.remove(source, profile_id, [each.title_id for each in items])
    for planned in await context.store.forget_profile(source, profile_id):
        context.watchers.wake(DeviceKey(account_id=source, profile_id=profile_id, device_id=planned))
    if device_id:
        for other in await context.my_list.forget_device(source, device_id):
            context.watchers.wake(DeviceKey(account_id=source, profile_id=other, device_id=device_id))
    _log.info("profile moved", account_id=source, target_account_id=target, profile_id=profile_id, viewings=moved)
    return moved

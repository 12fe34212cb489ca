"""WatchPlan: a device's plan, and each later one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

from libs.runtime.errors import not_found
from services.download_planning.domain.devices import DeviceKey
from services.download_planning.domain.plan import DownloadPlan
from services.download_planning.use_cases.context import Context


async def watch_plan(context: Context, key: DeviceKey) -> AsyncGenerator[DownloadPlan, None]:
    """The newest plan, once there is one, then each change; of changes in quick succession only the last.

    NOT_FOUND without settings, and as soon as the plan is withdrawn or the settings are gone. OVERLOADED where this
    process has too many watchers.
    """
    seen = 0
    with context.watchers.watching(key) as changed:
        while True:
            changed.clear()
            device = await context.store.find_device(key)
            if device is None or device.is_withdrawn:
                raise not_found("plan")
            if device.plan is not None and device.plan.generation != seen:
                seen = device.plan.generation
                yield device.plan
            await _wait(changed, context.policy.watch_poll)


async def _wait(changed: asyncio.Event, poll: timedelta) -> None:
    try:
        async with asyncio.timeout(poll.total_seconds()):
            await changed.wait()
    except TimeoutError:
        return

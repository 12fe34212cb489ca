"""ConfigureDownloads: what a viewer wants on a device, within the plan's download devices."""

from __future__ import annotations

from libs.persistence.database import retry_conflicts
from libs.runtime.logging import get_logger
from services.download_planning.domain.devices import DeviceKey, DownloadSettings, settings_in_force
from services.download_planning.use_cases.context import Context

_log = get_logger(__name__)


async def configure_downloads(
    context: Context, key: DeviceKey, platform: str, settings: DownloadSettings, max_devices: int
) -> DownloadSettings:
    """Keep the choice as it was made; the answer is what of it is in force for this account and platform.

    LIMIT_EXCEEDED where one more device would be switched on than the plan has. A device that is on already, on any
    profile, may always be changed; so may one be switched off.
    """
    now = context.clock.now()
    await retry_conflicts(lambda: context.store.configure(key, platform, settings, max_devices=max_devices, now=now))
    _log.info("downloads configured", account_id=key.account_id, device_id=key.device_id, on=settings.is_on)
    return settings_in_force(settings, context.policy.experiment, key.account_id, platform, country=None)

"""PlanDownloads: what should be on a device, computed from what is on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from libs.persistence.database import retry_conflicts
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.download_planning.domain.devices import (
    TRUSTED,
    DeviceKey,
    InventoryItem,
    NetworkType,
    Standing,
    inventory_problem,
    settings_in_force,
)
from services.download_planning.domain.etag import etag_of
from services.download_planning.domain.plan import DownloadPlan, Explanation, PlanInput, Planning
from services.download_planning.domain.planner import make_plan
from services.download_planning.domain.sources import with_sources
from services.download_planning.domain.validator import broken_rules
from services.download_planning.domain.viewing import Progress
from services.download_planning.storage.store import DeviceRecord
from services.download_planning.use_cases.context import Context

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanCommand:
    """What a device reports, and what the gateway knows of it and its profile."""

    key: DeviceKey
    standing: Standing
    maturity_age: int
    country_code: str
    inventory: tuple[InventoryItem, ...]
    free_bytes: int
    network: NetworkType
    etag: str = ""


async def plan_downloads(context: Context, command: PlanCommand) -> DownloadPlan | None:
    """The device's wanted state; None where it is the one that ``command.etag`` names.

    DEVICE_NOT_TRUSTED without standing, which also withdraws the plan that it had; NOT_FOUND where nothing was ever
    chosen; INVALID_FIELD for an inventory that contradicts itself.
    """
    if command.standing not in TRUSTED:
        await _withdraw(context, command)
        raise ServiceError(ErrorReason.DEVICE_NOT_TRUSTED, detail=f"standing {command.standing}")
    problem = inventory_problem(command.inventory)
    if problem is not None:
        raise invalid_field(*problem)
    plan = await retry_conflicts(lambda: _plan(context, command))
    return None if plan.etag == command.etag else plan


async def _withdraw(context: Context, command: PlanCommand) -> None:
    if await context.store.set_withdrawn(command.key, True):
        context.watchers.wake(command.key)
        _log.info("plan withdrawn", account_id=command.key.account_id, device_id=command.key.device_id)


async def _plan(context: Context, command: PlanCommand) -> DownloadPlan:
    device = await context.store.find_device(command.key)
    if device is None:
        raise not_found("download_settings")
    catalogue = await context.catalogue.at_version(device.catalogue_version)
    progress = await context.store.list_progress(command.key.account_id, command.key.profile_id)
    request = with_sources(
        _request(context, command, device, progress),
        catalogue,
        episodes_ahead=context.policy.episodes_ahead,
        max_threads=context.policy.pinned_threads,
    )
    planning = make_plan(request)
    broken = broken_rules(request, planning.state)
    if broken:
        raise ServiceError(ErrorReason.INTERNAL, detail=f"a plan broke its rules: {'; '.join(broken)}")
    return await _keep(context, command, device, planning)


def _request(
    context: Context, command: PlanCommand, device: DeviceRecord, progress: Mapping[str, Progress]
) -> PlanInput:
    """Everything that the plan depends on, except for the catalogue and what follows from it."""
    experiment, account_id = context.policy.experiment, command.key.account_id
    return PlanInput(
        now=context.clock.now(),
        country_code=command.country_code,
        maturity_age=command.maturity_age,
        settings=settings_in_force(device.settings, experiment, account_id, device.platform, command.country_code),
        network=command.network,
        inventory=command.inventory,
        free_bytes=command.free_bytes,
        progress=progress,
        max_items=context.policy.max_items,
        max_candidates=context.policy.max_candidates,
    )


async def _keep(context: Context, command: PlanCommand, device: DeviceRecord, planning: Planning) -> DownloadPlan:
    """The plan as it stands afterwards: the one that was there where nothing has changed, else a new generation."""
    newest, etag = device.plan, etag_of(planning.state)
    if newest is not None and newest.etag == etag:
        if device.is_withdrawn and await context.store.set_withdrawn(command.key, False):
            context.watchers.wake(command.key)
        return newest
    generation = newest.generation if newest else 0
    plan = DownloadPlan(
        plan_id=context.ids.new(),
        generation=generation + 1,
        etag=etag,
        state=planning.state,
        create_time=context.clock.now(),
    )
    explanation = Explanation(plan=plan, candidates=planning.candidates)
    await context.store.save_plan(command.key, explanation, replaces=generation)
    context.watchers.wake(command.key)
    _log.info("downloads planned", account_id=command.key.account_id, plan_id=plan.plan_id, generation=generation + 1)
    return plan

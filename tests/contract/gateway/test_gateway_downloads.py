"""DownloadService: plans for the household's phones, and for nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import grpc
import pytest

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import download_service_pb2 as pb
from libs.devstack.device import Device
from libs.persistence.database import Database
from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.storage import leases
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure, phone_fields
from tests.contract.gateway.titles import GIGABYTE, bring_series, watched


async def test_a_household_phone_gets_the_next_episode_and_is_told_when_nothing_changed(
    home: Household, world: World
) -> None:
    await bring_series(world, "harbour", episodes=3)
    phone = await home.signed_in("Ada's phone", **phone_fields())
    assert await watched(world, phone, "harbour.s1e1") == 1
    request = pb.ConfigureDownloadsRequest(**_for(phone), settings=_settings())
    assert (await world.downloads.ConfigureDownloads(request)).settings == _settings()
    plan = await phone.plan_downloads([], 10 * GIGABYTE)
    assert [each.title_id for each in plan.items][:1] == ["harbour.s1e2"]
    assert plan.planned_bytes <= plan.budget_bytes == GIGABYTE
    again = await world.downloads.PlanDownloads(_plan(phone, etag=plan.etag))
    assert (again.not_modified, again.HasField("plan")) == (True, False)


async def test_a_watching_phone_is_sent_its_plan_and_the_next_one(home: Household, world: World) -> None:
    await bring_series(world, "harbour", episodes=3)
    phone = await home.signed_in("Ada's phone", **phone_fields())
    await phone.configure_downloads(GIGABYTE)
    plan = await phone.plan_downloads([], 10 * GIGABYTE)
    call = world.downloads.WatchDownloadPlan(pb.WatchDownloadPlanRequest(**_for(phone)), timeout=30)
    watching = call.__aiter__()
    assert (await anext(watching)).plan == plan
    await watched(world, phone, "harbour.s1e1")
    changed = await phone.plan_downloads([], 10 * GIGABYTE)
    assert changed.generation > plan.generation
    assert (await anext(watching)).plan == changed
    call.cancel()


async def _watching(home: Household, world: World, name: str) -> tuple[Device, Any]:
    """A phone that has its plan and waits for the next one."""
    phone = await home.signed_in(name, **phone_fields())
    await phone.configure_downloads(GIGABYTE)
    plan = await phone.plan_downloads([], 10 * GIGABYTE)
    call = world.downloads.WatchDownloadPlan(pb.WatchDownloadPlanRequest(**_for(phone)), timeout=60)
    watching = aiter(call)
    assert (await anext(watching)).plan == plan
    return phone, watching


async def _revoke(home: Household, phone: Device) -> None:
    request = account_pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=phone.device_id)
    await home.world.accounts.RevokeDevice(request)


async def _sign_out_everywhere(home: Household, phone: Device) -> None:
    await home.world.accounts.SignOutEverywhere(account_pb.SignOutEverywhereRequest(**asked_by(home.tv)))


async def _sign_out(home: Household, phone: Device) -> None:
    await home.world.accounts.SignOut(account_pb.SignOutRequest(**asked_by(phone)))


@pytest.mark.parametrize("shut_out", [_revoke, _sign_out_everywhere, _sign_out])
async def test_a_watch_ends_when_its_device_is_shut_out(
    home: Household, world: World, shut_out: Callable[[Household, Device], Awaitable[None]]
) -> None:
    """The phone does nothing: the stream that it left open has to hear of it."""
    phone, watching = await _watching(home, world, "Ada's phone")
    await shut_out(home, phone)
    assert (await failure(anext(watching))).reason == "SESSION_UNKNOWN"


async def test_a_watch_goes_on_when_another_device_is_shut_out(home: Household, world: World) -> None:
    await bring_series(world, "harbour", episodes=3)
    phone, watching = await _watching(home, world, "Ada's phone")
    other, others = await _watching(home, world, "Old phone")
    await _revoke(home, other)
    assert (await failure(anext(others))).reason == "SESSION_UNKNOWN", "so this gateway has looked"
    await watched(world, phone, "harbour.s1e1")
    changed = await phone.plan_downloads([], 10 * GIGABYTE)
    assert (await anext(watching)).plan == changed


async def test_a_watch_ends_where_it_cannot_be_known_who_is_shut_out(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)

    _, watching = await _watching(home, world, "Ada's phone")
    monkeypatch.setattr(leases, "find_epochs", away)
    monkeypatch.setattr(leases, "find_epoch", away)
    assert (await failure(anext(watching))).reason == "STORAGE_UNAVAILABLE"


async def test_a_statement_that_fails_once_ends_no_watch(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bring_series(world, "harbour", episodes=3)
    phone, watching = await _watching(home, world, "Ada's phone")
    real, looked = leases.find_epoch, asyncio.Event()

    async def away(*_: object) -> None:
        raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)

    async def noted(database: Database, account_id: UUID) -> int:
        looked.set()
        return await real(database, account_id)

    with monkeypatch.context() as patch:
        patch.setattr(leases, "find_epochs", away)
        patch.setattr(leases, "find_epoch", noted)
        await asyncio.wait_for(looked.wait(), 20)
    await watched(world, phone, "harbour.s1e1")
    changed = await phone.plan_downloads([], 10 * GIGABYTE)
    assert (await anext(watching)).plan == changed


async def test_a_device_outside_the_household_gets_no_plan_but_may_tell_what_it_watched(
    home: Household, world: World
) -> None:
    await bring_series(world, "harbour", episodes=1)
    guest = await home.signed_in("Friend's phone", ELSEWHERE, **phone_fields())
    await guest.verify_later()
    watching = world.downloads.WatchDownloadPlan(pb.WatchDownloadPlanRequest(**_for(guest)))
    attempts = [
        world.downloads.ConfigureDownloads(pb.ConfigureDownloadsRequest(**_for(guest), settings=_settings())),
        world.downloads.PlanDownloads(_plan(guest)),
        watching.read(),
    ]
    for attempt in attempts:
        refused = await failure(attempt)
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "DEVICE_NOT_TRUSTED")
    assert await watched(world, guest, "harbour.s1e1") == 1


async def test_another_accounts_profile_is_not_found(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    phone = await home.signed_in("Ada's phone", **phone_fields())
    phone.profile_id = other.profile_id
    watching = world.downloads.WatchDownloadPlan(pb.WatchDownloadPlanRequest(**_for(phone)))
    attempts = [
        world.downloads.ConfigureDownloads(pb.ConfigureDownloadsRequest(**_for(phone), settings=_settings())),
        world.downloads.PlanDownloads(_plan(phone)),
        watching.read(),
        watched(world, phone, "harbour.s1e1"),
    ]
    assert [(await failure(attempt)).reason for attempt in attempts] == ["NOT_FOUND"] * 4


async def test_a_plan_has_so_many_download_devices(world: World) -> None:
    home = await world.household(plan_id="basic")
    for number in range(2):
        phone = await home.signed_in(f"Phone {number}", **phone_fields())
        request = pb.ConfigureDownloadsRequest(**_for(phone), settings=_settings())
        if number == 0:
            await world.downloads.ConfigureDownloads(request)
        else:
            assert (await failure(world.downloads.ConfigureDownloads(request))).reason == "LIMIT_EXCEEDED"


def _for(device: Device) -> dict[str, Any]:
    return {**asked_by(device), "profile_id": device.profile_id}


def _settings() -> planning_pb.DownloadSettings:
    return planning_pb.DownloadSettings(downloads_for_you=True, smart_downloads=True, budget_bytes=GIGABYTE)


def _plan(device: Device, **changes: Any) -> pb.PlanDownloadsRequest:
    fields: dict[str, Any] = {**_for(device), "free_bytes": 10 * GIGABYTE, "network": planning_pb.NETWORK_TYPE_WIFI}
    return pb.PlanDownloadsRequest(**(fields | changes))

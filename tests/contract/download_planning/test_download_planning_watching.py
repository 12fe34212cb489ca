"""WatchPlan, through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import cast

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.rpc.channel import call, call_stream
from libs.runtime.errors import ErrorReason
from tests.contract.download_planning.download_planning_world import (
    Service,
    StartService,
    Viewer,
    movie,
    reason_of,
    refused,
)

Plans = AsyncGenerator[pb.WatchPlanResponse, None]


@asynccontextmanager
async def watching(service: Service, viewer: Viewer) -> AsyncIterator[Plans]:
    """The plans of the viewer's phone as they come."""
    stream = cast(Plans, call_stream(service.gateway.WatchPlan, viewer.watch(), timeout=20))
    async with aclosing(stream) as plans:
        yield plans


async def test_a_watcher_gets_the_newest_plan_and_then_each_change(start: StartService) -> None:
    """At once, without waiting for the poll, where the same process made it."""
    service = await start(watch_poll_seconds=60)
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    first = await service.plan(viewer)
    async with watching(service, viewer) as plans:
        assert (await anext(plans)).plan == first
        await service.bring(movie("a"))
        second = await service.plan(viewer)
        assert (await anext(plans)).plan == second
        assert second.generation == 2


async def test_a_watcher_hears_of_a_plan_that_another_replica_made(start: StartService) -> None:
    """By the poll."""
    one, two = await start(watch_poll_seconds=0.05), await start()
    viewer = Viewer()
    await call(one.gateway.ConfigureDownloads, viewer.configure())
    async with watching(one, viewer) as plans:
        plan = await two.plan(viewer)
        assert (await anext(plans)).plan == plan


async def test_watching_without_settings_is_not_found(service: Service) -> None:
    """There will be no plan."""
    async with watching(service, Viewer()) as plans:
        assert (await refused(anext(plans))).reason is ErrorReason.NOT_FOUND


async def test_a_device_that_lost_its_standing_is_shown_no_plan_until_it_has_it_again(start: StartService) -> None:
    """The plan is withdrawn from watchers when a planning is refused, and the same plan comes back later."""
    service = await start(watch_poll_seconds=60)
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plan = await service.plan(viewer)
    async with watching(service, viewer) as plans:
        await anext(plans)
        revoked = viewer.plan(standing=standing_pb2.STANDING_REVOKED)
        assert (await refused(call(service.gateway.PlanDownloads, revoked))).reason is ErrorReason.DEVICE_NOT_TRUSTED
        assert (await refused(anext(plans))).reason is ErrorReason.NOT_FOUND
    async with watching(service, viewer) as plans:
        assert (await refused(anext(plans))).reason is ErrorReason.NOT_FOUND
    assert await service.plan(viewer) == plan
    async with watching(service, viewer) as plans:
        assert (await anext(plans)).plan == plan


async def test_more_watchers_than_a_process_serves_are_refused(start: StartService) -> None:
    """Until one of them leaves."""
    service = await start(watchers_max=1, watch_poll_seconds=0.05)
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    await service.plan(viewer)
    async with watching(service, viewer) as plans:
        await anext(plans)
        async with watching(service, viewer) as others:
            error = await refused(anext(others))
            assert error.reason is ErrorReason.OVERLOADED
            assert error.retry_after is not None
    async with asyncio.timeout(10):
        while await first_answer(service, viewer) is ErrorReason.OVERLOADED:
            continue


async def first_answer(service: Service, viewer: Viewer) -> ErrorReason | None:
    """The reason for which there is no first plan; None where there is one."""
    async with watching(service, viewer) as plans:
        return await reason_of(anext(plans))


async def test_a_draining_server_tells_watchers_to_watch_again(service: Service) -> None:
    """DRAINING, well before the grace is over."""
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    await service.plan(viewer)
    async with watching(service, viewer) as plans:
        await anext(plans)
        stopping = asyncio.create_task(service.server.stop(10))
        assert (await refused(anext(plans))).reason is ErrorReason.DRAINING
        await stopping

"""RecordViewing, ConfigureDownloads and MoveProfile, through a real server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.persistence.database import Database
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason
from services.download_planning.domain.viewing import ViewingState
from services.download_planning.storage import sql
from tests.contract.download_planning.download_planning_world import (
    GIGABYTE,
    NOW,
    Service,
    StartService,
    Viewer,
    reason_of,
    refused,
    viewing,
)


async def progress_of(service: Service, viewer: Viewer, account_id: str = "") -> dict[str, ViewingState]:
    """Where the profile stands with each title."""
    account = UUID(account_id or viewer.account_id)
    found = await service.context.store.list_progress(account, UUID(viewer.profile_id))
    return {title_id: progress.state for title_id, progress in found.items()}


async def test_a_repeated_viewing_is_counted_once(service: Service) -> None:
    """Within a request, and across requests."""
    viewer, one, two = Viewer(), viewing("a"), viewing("b")
    assert (await call(service.gateway.RecordViewing, viewer.record(one, one))).recorded_count == 1
    assert (await call(service.gateway.RecordViewing, viewer.record(one, two))).recorded_count == 1
    assert (await call(service.gateway.RecordViewing, viewer.record(one, two))).recorded_count == 0


async def test_the_newest_event_counts_however_late_it_arrives(service: Service) -> None:
    """A phone that was offline reports old viewing after new."""
    viewer = Viewer()
    await call(service.gateway.RecordViewing, viewer.record(viewing("a", "FINISHED")))
    late = viewing("a", "IN_PROGRESS", at=NOW - timedelta(hours=5))
    assert (await call(service.gateway.RecordViewing, viewer.record(late))).recorded_count == 1
    assert await progress_of(service, viewer) == {"a": ViewingState.FINISHED}
    again = viewing("a", "IN_PROGRESS", at=NOW + timedelta(minutes=1))
    await call(service.gateway.RecordViewing, viewer.record(again, viewing("b", "ABANDONED")))
    assert await progress_of(service, viewer) == {"a": ViewingState.IN_PROGRESS, "b": ViewingState.ABANDONED}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": NOW + timedelta(days=2)}, "viewings[1].event_time"),
        ({"event_time": Timestamp(seconds=10**13)}, "viewings[1].event_time"),
        ({"position": Duration(seconds=-1)}, "viewings[1].position"),
        ({"position": Duration(seconds=2**62)}, "viewings[1].position"),
        ({"viewing_id": "1"}, "viewings[1].viewing_id"),
        ({"title_id": ""}, "viewings[1].title_id"),
        ({"state": "UNSPECIFIED"}, "viewings[1].state"),
    ],
)
async def test_a_bad_viewing_is_refused_with_its_field_and_nothing_is_recorded(
    service: Service, change: dict[str, object], field: str
) -> None:
    """All of a request or none."""
    viewer = Viewer()
    request = viewer.record(viewing("a"), viewing(**({"title_id": "b"} | change)))  # type: ignore[arg-type]  # parametrised
    error = await refused(call(service.gateway.RecordViewing, request))
    assert (error.reason, error.fields[0].field) == (ErrorReason.INVALID_FIELD, field)
    assert await progress_of(service, viewer) == {}


async def test_settings_replace_what_was(service: Service) -> None:
    """And are answered as they are in force."""
    viewer = Viewer()
    first = viewer.configure(budget_bytes=3 * GIGABYTE, allow_mobile_data=True)
    assert (await call(service.gateway.ConfigureDownloads, first)).settings == first.settings
    assert (await service.plan(viewer, network=pb.NETWORK_TYPE_MOBILE)).waits_for_wifi is False
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plan = await service.plan(viewer, network=pb.NETWORK_TYPE_MOBILE)
    assert (plan.budget_bytes, plan.waits_for_wifi) == (GIGABYTE, True)


async def test_one_device_more_than_the_plan_has_is_refused(service: Service) -> None:
    """Until another one is switched off; a device counts once for all its profiles, and may always be changed."""
    account = uuid4()
    one, two, three = (Viewer(account_id=account, device_id=f"phone{number}") for number in range(3))
    beside = Viewer(account_id=account, device_id=two.device_id)
    for viewer in (one, two, beside, one):
        await call(service.gateway.ConfigureDownloads, viewer.configure())
    error = await refused(call(service.gateway.ConfigureDownloads, three.configure()))
    assert error.reason is ErrorReason.LIMIT_EXCEEDED
    assert error.metadata == {"limit": "download_devices", "max": "2"}
    assert (await refused(call(service.gateway.PlanDownloads, three.plan()))).reason is ErrorReason.NOT_FOUND
    off = {"downloads_for_you": False, "smart_downloads": False}
    await call(service.gateway.ConfigureDownloads, three.configure(**off))
    await call(service.gateway.ConfigureDownloads, one.configure(**off))
    await call(service.gateway.ConfigureDownloads, three.configure())


async def test_a_plan_without_downloads_lets_no_device_be_switched_on(service: Service) -> None:
    """Zero is a limit too."""
    error = await refused(call(service.gateway.ConfigureDownloads, Viewer().configure(max_download_devices=0)))
    assert error.reason is ErrorReason.LIMIT_EXCEEDED


async def test_devices_switched_on_at_once_never_pass_the_limit_where_the_naive_way_does(start: StartService) -> None:
    """Sixteen devices of each of ten accounts, limit 4, two replicas; the negative control runs in the same test."""
    one, two = await start(database_pool_size=16), await start(database_pool_size=16)
    careful, naive = [uuid4() for _ in range(10)], [uuid4() for _ in range(10)]

    async def switch_on(service: Service, account_id: UUID, number: int) -> None:
        request = Viewer(account_id=account_id, device_id=f"phone{number}").configure(max_download_devices=4)
        error = await reason_of(call(service.gateway.ConfigureDownloads, request))
        assert error in (None, ErrorReason.LIMIT_EXCEEDED)

    for account_id in careful:
        await asyncio.gather(*(switch_on((one, two)[number % 2], account_id, number) for number in range(16)))
    for account_id in naive:
        await asyncio.gather(*(switch_on_naively(one.database, account_id, number) for number in range(16)))
    assert [await devices_of(one, each) for each in careful] == [4] * 10
    assert max([await devices_of(one, each) for each in naive]) > 4


async def test_a_profiles_history_moves_to_another_account_once(service: Service) -> None:
    """More than a batch of it; a second call finds nothing left, and a third account is untouched."""
    viewer, target = Viewer(), str(uuid4())
    history = [viewing(f"t{number}") for number in range(1000)]
    await call(service.gateway.RecordViewing, viewer.record(*history))
    await call(service.gateway.RecordViewing, viewer.record(viewing("last")))
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    request = pb.MoveProfileRequest(
        source_account_id=viewer.account_id, profile_id=viewer.profile_id, target_account_id=target
    )
    assert (await call(service.gateway.MoveProfile, request)).moved_count == 1001
    assert await progress_of(service, viewer) == {}
    assert len(await progress_of(service, viewer, target)) == 1001
    assert (await call(service.gateway.MoveProfile, request)).moved_count == 0
    assert (await refused(call(service.gateway.PlanDownloads, viewer.plan()))).reason is ErrorReason.NOT_FOUND


async def test_a_move_that_broke_off_between_copy_and_deletion_is_completed_by_repeating_it(service: Service) -> None:
    """Nothing is lost and nothing is there twice."""
    viewer, target = Viewer(), str(uuid4())
    await call(service.gateway.RecordViewing, viewer.record(viewing("a"), viewing("b")))
    store, source, profile = service.context.store, UUID(viewer.account_id), UUID(viewer.profile_id)
    copied = await store.list_viewings(source, profile, 1)
    await store.record_viewings(UUID(target), profile, copied, NOW)
    request = pb.MoveProfileRequest(
        source_account_id=viewer.account_id, profile_id=viewer.profile_id, target_account_id=target
    )
    assert (await call(service.gateway.MoveProfile, request)).moved_count == 2
    assert await progress_of(service, viewer) == {}
    assert len(await store.list_viewings(UUID(target), profile, 10)) == 2


async def test_a_profile_is_not_moved_to_where_it_is(service: Service) -> None:
    """That would end in its deletion."""
    viewer = Viewer()
    await call(service.gateway.RecordViewing, viewer.record(viewing("a")))
    request = pb.MoveProfileRequest(
        source_account_id=viewer.account_id, profile_id=viewer.profile_id, target_account_id=viewer.account_id.upper()
    )
    error = await refused(call(service.gateway.MoveProfile, request))
    assert (error.reason, error.fields[0].field) == (ErrorReason.INVALID_FIELD, "target_account_id")
    assert await progress_of(service, viewer) == {"a": ViewingState.FINISHED}


async def switch_on_naively(database: Database, account_id: UUID, number: int) -> None:
    """Count, then insert, in one transaction and without the lock."""
    async with database.transaction() as tx:
        if len(await tx.fetch(sql.DEVICES_IN_USE, account_id)) < 4:
            choice = ("ANDROID", True, True, 1, False, NOW)
            await tx.execute(sql.UPSERT_SETTINGS, account_id, uuid4(), f"phone{number}", *choice)


async def devices_of(service: Service, account_id: UUID) -> int:
    """On how many devices of the account downloads are switched on."""
    return len(await service.database.fetch(sql.DEVICES_IN_USE, account_id))

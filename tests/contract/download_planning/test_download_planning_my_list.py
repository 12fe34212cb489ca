"""A profile's list: what is put on it and taken off, and that it moves with the profile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason
from tests.contract.download_planning.download_planning_world import Service, Viewer, reason_of, refused, viewing


async def change(service: Service, viewer: Viewer, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> int:
    """Change a list; how many titles are on it."""
    request = pb.UpdateMyListRequest(
        account_id=viewer.account_id, profile_id=viewer.profile_id, add_title_ids=add, remove_title_ids=remove
    )
    return (await call(service.gateway.UpdateMyList, request)).title_count


async def listed(service: Service, viewer: Viewer, account_id: str = "") -> list[str]:
    """A list, the latest first."""
    request = pb.ListMyListRequest(account_id=account_id or viewer.account_id, profile_id=viewer.profile_id)
    return [each.title_id for each in (await call(service.gateway.ListMyList, request)).items]


async def test_a_list_shows_the_latest_first_and_adding_again_changes_nothing(
    service: Service, clock: FakeClock
) -> None:
    viewer = Viewer()
    assert await change(service, viewer, add=["a", "a"]) == 1
    clock.advance(timedelta(minutes=1))
    assert await change(service, viewer, add=["b", "a"]) == 2
    assert await listed(service, viewer) == ["b", "a"]
    assert await change(service, viewer, add=["c"], remove=["a", "c", "never"]) == 1
    assert await listed(service, viewer) == ["b"]
    assert await listed(service, Viewer(account_id=None)) == []


async def test_a_list_holds_500_titles_however_many_are_added_at_once(service: Service) -> None:
    viewer = Viewer()
    batches = [[f"t{number}.{each}" for each in range(100)] for number in range(7)]
    answers = await asyncio.gather(*(change(service, viewer, add=batch) for batch in batches), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 5
    assert len(await listed(service, viewer)) == 500
    assert (await refused(change(service, viewer, add=["one-more"]))).reason is ErrorReason.LIMIT_EXCEEDED
    assert await change(service, viewer, add=["one-more"], remove=["t0.0", "t1.0", "t2.0", "t3.0"]) <= 500


async def used(service: Service, viewer: Viewer) -> bool:
    """Whether anybody would miss the profile."""
    request = pb.GetProfileUseRequest(account_id=viewer.account_id, profile_id=viewer.profile_id)
    return (await call(service.gateway.GetProfileUse, request)).used


async def test_a_profile_is_used_once_something_is_listed_chosen_or_watched_on_it(service: Service) -> None:
    listing, choosing, watching = Viewer(), Viewer(), Viewer()
    for viewer in (listing, choosing, watching):
        assert not await used(service, viewer)
    await change(service, listing, add=["a"])
    await call(service.gateway.ConfigureDownloads, choosing.configure())
    await call(service.gateway.RecordViewing, watching.record(viewing("a")))
    for viewer in (listing, choosing, watching):
        assert await used(service, viewer)
        assert not await used(service, Viewer(account_id=UUID(viewer.account_id))), "another profile of the account"


async def test_a_list_moves_with_its_profile_and_comes_back_with_what_was_added_meanwhile(service: Service) -> None:
    viewer, target = Viewer(), str(uuid4())
    await change(service, viewer, add=["a", "b"])
    there = pb.MoveProfileRequest(
        source_account_id=viewer.account_id, profile_id=viewer.profile_id, target_account_id=target
    )
    back = pb.MoveProfileRequest(
        source_account_id=target, profile_id=viewer.profile_id, target_account_id=viewer.account_id
    )
    for _ in range(2):
        await call(service.gateway.MoveProfile, there)
    assert (await listed(service, viewer), sorted(await listed(service, viewer, target))) == ([], ["a", "b"])
    moved = pb.UpdateMyListRequest(account_id=target, profile_id=viewer.profile_id, add_title_ids=["c"])
    await call(service.gateway.UpdateMyList, moved)
    for _ in range(2):
        await call(service.gateway.MoveProfile, back)
    assert (sorted(await listed(service, viewer)), await listed(service, viewer, target)) == (["a", "b", "c"], [])


async def test_the_device_that_leaves_takes_its_downloads_of_every_profile_with_it(service: Service) -> None:
    """And another device of the household keeps its own."""
    leaving = Viewer()
    staying = Viewer(device_id="tablet")
    staying.account_id = leaving.account_id
    of_the_owner = staying.configure(device_id="phone")
    for request in (leaving.configure(), staying.configure(), of_the_owner):
        await call(service.gateway.ConfigureDownloads, request)
    move = pb.MoveProfileRequest(
        source_account_id=leaving.account_id,
        profile_id=leaving.profile_id,
        target_account_id=str(uuid4()),
        device_id="phone",
    )
    await call(service.gateway.MoveProfile, move)
    gone = await reason_of(call(service.gateway.PlanDownloads, staying.plan(device_id="phone")))
    assert gone is ErrorReason.NOT_FOUND
    assert (await call(service.gateway.PlanDownloads, staying.plan())).plan.generation == 1

"""PlanDownloads and ExplainPlan, through a real server."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason
from tests.contract.download_planning.download_planning_world import (
    GIGABYTE,
    HOUSEHOLD,
    MEGABYTE,
    NOW,
    Service,
    StartService,
    Viewer,
    episode,
    import_titles,
    movie,
    refused,
    timestamp,
    viewing,
)


async def test_a_phone_gets_popular_titles_within_its_budget(service: Service) -> None:
    """The most minutes for the bytes, and no byte more."""
    await service.bring(movie("a"), movie("b", popularity_prior=0.5), movie("c", popularity_prior=0.9))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plan = await service.plan(viewer)
    assert [item.title_id for item in plan.items] == ["c", "b"]
    assert [item.priority for item in plan.items] == [1, 2]
    assert plan.planned_bytes == plan.budget_bytes == GIGABYTE
    first = plan.items[0]
    assert (first.name, first.rendition_id, first.size_bytes) == ("The c", "sd", 500 * MEGABYTE)
    assert first.url == "https://cdn.example/c/sd"
    assert (first.reason, first.reason_text) == (pb.PLAN_REASON_POPULAR, "Popular now")
    assert not first.HasField("keep_until_time")
    assert plan.create_time == timestamp(NOW)
    assert plan.generation == 1


async def test_an_unchanged_plan_is_answered_as_not_modified(service: Service, clock: FakeClock) -> None:
    """The etag names the state: equal state, equal etag, same generation, whenever it is computed."""
    await service.bring(movie("a"))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plan = await service.plan(viewer)
    clock.advance(timedelta(hours=1))
    answer = await call(service.gateway.PlanDownloads, viewer.plan(etag=plan.etag))
    assert answer.not_modified
    assert not answer.HasField("plan")
    assert await service.plan(viewer, etag="stale") == plan


async def test_the_generation_grows_with_each_change_and_with_nothing_else(service: Service) -> None:
    """A new catalogue that changes the plan counts, one that does not does not."""
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    empty = await service.plan(viewer)
    assert (empty.generation, len(empty.items)) == (1, 0)
    await service.bring(
        movie("large", renditions=[pb.Rendition(rendition_id="x", size_bytes=2 * GIGABYTE, url="https://a/b")])
    )
    assert await service.plan(viewer) == empty
    await service.bring(movie("a"))
    changed = await service.plan(viewer)
    assert (changed.generation, [item.title_id for item in changed.items]) == (2, ["a"])
    assert changed.plan_id != empty.plan_id


async def test_simultaneous_plans_of_one_device_end_in_one_generation(service: Service) -> None:
    """Whoever computes the same state gets the same plan."""
    await service.bring(movie("a"))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plans = await asyncio.gather(*(service.plan(viewer) for _ in range(8)))
    assert {plan.plan_id for plan in plans} == {plans[0].plan_id}
    assert plans[0].generation == 1


async def test_the_next_episode_comes_and_the_watched_one_goes_after_it(service: Service) -> None:
    """Across seasons."""
    await service.bring(episode("x", 1, 1), episode("x", 2, 1))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure(downloads_for_you=False))
    await call(service.gateway.RecordViewing, viewer.record(viewing("x.s1e1")))
    there = pb.InventoryItem(title_id="x.s1e1", rendition_id="sd", downloaded_bytes=500 * MEGABYTE, complete=True)
    plan = await service.plan(viewer, inventory=[there])
    assert [(item.title_id, item.reason) for item in plan.items] == [("x.s2e1", pb.PLAN_REASON_NEXT_EPISODE)]
    assert plan.items[0].reason_text.startswith("Next episode of")
    assert list(plan.removals) == [
        pb.PlanRemoval(title_id="x.s1e1", reason=pb.REMOVAL_REASON_WATCHED, after_title_id="x.s2e1")
    ]


@pytest.mark.parametrize("standing", [each for each in standing_pb2.Standing.values() if each not in (0, 1, 2)])
async def test_a_device_without_standing_gets_no_plan(service: Service, standing: standing_pb2.Standing) -> None:
    """A guest lease neither: downloads are for the household."""
    await service.bring(movie("a"))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    error = await refused(call(service.gateway.PlanDownloads, viewer.plan(standing=standing)))
    assert error.reason is ErrorReason.DEVICE_NOT_TRUSTED


async def test_a_travelling_device_gets_its_plan(service: Service) -> None:
    """Downloads are for the journey."""
    await service.bring(movie("a"))
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    assert len((await service.plan(viewer, standing=standing_pb2.STANDING_TRAVELLING)).items) == 1


async def test_nothing_is_planned_before_a_viewer_has_chosen(service: Service) -> None:
    """Off until chosen; and what one profile chose is not another's choice."""
    viewer, other = Viewer(), Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    other.account_id, other.device_id = viewer.account_id, viewer.device_id
    error = await refused(call(service.gateway.PlanDownloads, other.plan()))
    assert error.reason is ErrorReason.NOT_FOUND


async def test_switching_off_removes_what_was_planned(service: Service) -> None:
    """And plans nothing."""
    await service.bring(movie("a"))
    viewer = Viewer()
    off = viewer.configure(downloads_for_you=False, smart_downloads=False)
    await call(service.gateway.ConfigureDownloads, off)
    there = pb.InventoryItem(title_id="a", rendition_id="sd", downloaded_bytes=1, complete=True)
    plan = await service.plan(viewer, inventory=[there])
    assert not plan.items
    assert [(each.title_id, each.reason) for each in plan.removals] == [("a", pb.REMOVAL_REASON_NOT_WANTED)]


@pytest.mark.parametrize(
    ("inventory", "field"),
    [
        (
            [pb.InventoryItem(title_id="a", rendition_id=each, downloaded_bytes=1) for each in ("sd", "hd")],
            "inventory[1].title_id",
        ),
        ([pb.InventoryItem(title_id="a", rendition_id="sd", complete=True)], "inventory[0].downloaded_bytes"),
    ],
)
async def test_an_inventory_that_contradicts_itself_is_refused(
    service: Service, inventory: list[pb.InventoryItem], field: str
) -> None:
    """With the field, and the plan stays as it was."""
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    error = await refused(call(service.gateway.PlanDownloads, viewer.plan(inventory=inventory)))
    assert error.reason is ErrorReason.INVALID_FIELD
    assert error.fields[0].field == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"account_id": "x"}, "account_id"),
        ({"country_code": "de"}, "country_code"),
        ({"maturity_age": 19}, "maturity_age"),
        ({"standing": 0}, "standing"),
        ({"network": 99}, "network"),
        ({"device_id": "a b"}, "device_id"),
        ({"etag": "e" * 129}, "etag"),
        ({"inventory": [pb.InventoryItem(title_id="?", rendition_id="sd")]}, "inventory[0].title_id"),
    ],
)
async def test_a_malformed_request_names_its_field(service: Service, fields: dict[str, object], field: str) -> None:
    """By the rules that stand in the proto."""
    error = await refused(call(service.gateway.PlanDownloads, Viewer().plan(**fields)))
    assert error.reason is ErrorReason.INVALID_FIELD
    assert field in {each.field for each in error.fields}


async def test_a_licence_taken_back_is_obeyed_by_every_replica_at_once(start: StartService) -> None:
    """The catalogue's version is read with each plan, so no replica plans from an older one."""
    one, two = await start(), await start()
    await one.bring(movie("a"))
    viewer = Viewer()
    await call(one.gateway.ConfigureDownloads, viewer.configure())
    assert len((await two.plan(viewer)).items) == 1
    over = pb.LicenceWindow(start_time=timestamp(NOW - timedelta(9)), end_time=timestamp(NOW - timedelta(1)))
    await one.bring(movie("a", licence_windows=[over]))
    assert not (await two.plan(viewer)).items


async def test_a_plan_is_explained_for_its_account_alone(service: Service) -> None:
    """Every exclusion with its reason; to somebody else's account the plan is not there."""
    over = pb.LicenceWindow(start_time=timestamp(NOW - timedelta(9)), end_time=timestamp(NOW - timedelta(1)))
    await service.bring(
        movie("good", popularity_prior=0.9),
        movie("adult", maturity_age=18),
        movie("ended", licence_windows=[over]),
        movie("seen"),
        movie("toomuch", size_bytes=2 * GIGABYTE),
    )
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure(budget_bytes=600 * MEGABYTE))
    await call(service.gateway.RecordViewing, viewer.record(viewing("seen")))
    plan = await service.plan(viewer, maturity_age=12)
    request = pb.ExplainPlanRequest(account_id=viewer.account_id, plan_id=plan.plan_id)
    for stub in (service.gateway, service.operator):
        answer = await call(stub.ExplainPlan, request)
        assert answer.plan == plan
        assert {each.title_id: (each.planned, each.exclusion) for each in answer.candidates} == {
            "good": (True, pb.EXCLUSION_REASON_UNSPECIFIED),
            "adult": (False, pb.EXCLUSION_REASON_MATURITY),
            "ended": (False, pb.EXCLUSION_REASON_LICENCE),
            "seen": (False, pb.EXCLUSION_REASON_WATCHED),
            "toomuch": (False, pb.EXCLUSION_REASON_BUDGET),
        }
        scores = [each.score for each in answer.candidates]
        assert scores == sorted(scores, reverse=True)
    foreign = pb.ExplainPlanRequest(account_id=Viewer().account_id, plan_id=plan.plan_id)
    assert (await refused(call(service.operator.ExplainPlan, foreign))).reason is ErrorReason.NOT_FOUND


async def test_downloads_for_you_follow_the_rollout_and_smart_downloads_do_not(start: StartService) -> None:
    """A platform outside the experiment keeps its choice, of which only Smart Downloads are in force."""
    service = await start()
    await service.bring(movie("a"), episode("x", 1, 1), episode("x", 1, 2))
    viewer = Viewer()
    await call(service.gateway.RecordViewing, viewer.record(viewing("x.s1e1")))
    web = viewer.configure(platform=client_context_pb2.PLATFORM_WEB)
    answer = await call(service.gateway.ConfigureDownloads, web)
    assert (answer.settings.downloads_for_you, answer.settings.smart_downloads) == (False, True)
    assert [item.title_id for item in (await service.plan(viewer)).items] == ["x.s1e2"]
    everywhere = await start(downloads_experiment='{"key": "downloads", "on": true, "enforce_share": 1}')
    assert [item.title_id for item in (await everywhere.plan(viewer)).items] == ["x.s1e2", "a"]


async def test_one_setting_switches_downloads_for_you_off_for_everybody(start: StartService) -> None:
    """Whatever was chosen."""
    service = await start(downloads_experiment='{"key": "downloads", "on": false, "enforce_share": 1}')
    await service.bring(movie("a"))
    viewer = Viewer()
    answer = await call(service.gateway.ConfigureDownloads, viewer.configure())
    assert not answer.settings.downloads_for_you
    assert not (await service.plan(viewer)).items


@pytest.mark.parametrize(
    ("method", "caller"),
    [
        ("PlanDownloads", "operator"),
        ("PlanDownloads", "identity"),
        ("ImportTitles", "gateway"),
        ("ExplainPlan", "identity"),
    ],
)
async def test_a_caller_that_is_not_named_for_a_method_may_not_use_it(
    service: Service, method: str, caller: str
) -> None:
    """Each RPC has its callers."""
    stub = getattr(service.stubs[caller], method)
    viewer = Viewer()
    if method == "ImportTitles":
        error = await refused(import_titles(service.gateway, [movie("a")]))
    else:
        explain = pb.ExplainPlanRequest(account_id=viewer.account_id, plan_id=viewer.profile_id)
        error = await refused(call(stub, explain if method == "ExplainPlan" else viewer.plan(standing=HOUSEHOLD)))
    assert error.reason is ErrorReason.CALLER_NOT_ALLOWED

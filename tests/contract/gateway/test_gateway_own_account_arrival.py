"""What arrives in an own account with a profile: its name, rating and kind, its history, list and taste."""

from __future__ import annotations

from uuid import UUID

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, once, phone_fields
from tests.contract.gateway.own_account_world import begin, change_list, my_list, whereabouts
from tests.contract.gateway.titles import GIGABYTE, bring_films, bring_series, watched

NEXT = planning_pb.PLAN_REASON_NEXT_EPISODE


@pytest.mark.parametrize(("kids", "maturity_age"), [(False, 13), (True, 6), (False, 18)])
async def test_everything_of_a_profile_arrives(home: Household, world: World, kids: bool, maturity_age: int) -> None:
    """Asked as people ask, through the gateway, once the move is over; and nothing of it is left behind."""
    await bring_series(world, "harbour", episodes=2)
    westerns = await bring_films(world, "western", count=6)
    await bring_films(world, "romance", count=6)
    grown_up = set(await bring_films(world, "western", count=3, maturity_age=16))
    kim = await _viewer(home, kids=kids, maturity_age=maturity_age)
    seen = ["harbour.s1e1", *westerns[:4]]
    for title_id in seen:
        await watched(world, kim, title_id)
    await change_list(world, kim, add=("romance-0-3", "harbour.s1e2"))
    before = await _planned(world, home.account_id, kim.profile_id, maturity_age)
    yes = {"transfer_verification_id": await _yes(home, kim)} if kids else {}

    leaver = await begin(home, world, kim, **yes)
    answer = await leaver.complete()

    (profile,) = [each for each in answer.profiles if each.profile_id == kim.profile_id]
    assert (profile.name, profile.maturity_age, profile.kids) == ("Kim", maturity_age, kids)
    found = await whereabouts(world, kim.profile_id)
    assert found.profile == {answer.account_id}
    assert found.seen == {answer.account_id: set(seen)}
    assert await my_list(world, kim) == {"romance-0-3", "harbour.s1e2"}
    await kim.configure_downloads(GIGABYTE)
    plan = (await kim.plan_downloads([], 10 * GIGABYTE)).items
    after = [(each.title_id, each.reason) for each in plan]
    assert after == before, "taste is made of what was watched: the same plan, title by title"
    assert after[0] == ("harbour.s1e2", NEXT)
    assert not set(seen) & {title_id for title_id, _ in after}, "what was watched there is not brought again here"
    assert bool(grown_up & {title_id for title_id, _ in after}) == (maturity_age >= 16)
    stranger = await _planned(world, home.account_id, home.profile_id, maturity_age)
    assert after != stranger, "the negative control: another profile is planned for otherwise"


async def _viewer(home: Household, *, kids: bool, maturity_age: int) -> Device:
    profile_id = await home.add_profile("Kim", kids=kids, maturity_age=maturity_age)
    device = await home.signed_in("Kim's phone", ELSEWHERE, **phone_fields())
    device.profile_id = profile_id
    return device


async def _yes(home: Household, device: Device) -> str:
    """The owner's, from the television at home."""
    request = own_pb.RequestProfileTransferRequest(
        **once(device), profile_id=device.profile_id, channel=standing_pb2.CHANNEL_TRUSTED_DEVICE
    )
    asked = (await home.world.own_accounts.RequestProfileTransfer(request)).verification.verification_id
    decide = own_pb.DecideProfileTransferRequest(**asked_by(home.tv), verification_id=asked, agree=True)
    await home.world.own_accounts.DecideProfileTransfer(decide)
    return asked


async def _planned(
    world: World, account_id: str, profile_id: str, maturity_age: int
) -> list[tuple[str, planning_pb.PlanReason.ValueType]]:
    """What the planner would send to a phone of the profile; the gateway asks for members' devices alone."""
    planning = world.gateway.download_planning
    phone = world.device("A phone", ELSEWHERE, **phone_fields()).context().device
    wanted = planning_pb.DownloadSettings(downloads_for_you=True, smart_downloads=True, budget_bytes=GIGABYTE)
    await planning.configure_downloads(UUID(account_id), UUID(profile_id), phone, wanted, 4)
    request = planning_pb.PlanDownloadsRequest(
        account_id=account_id,
        profile_id=profile_id,
        device_id=phone.id,
        standing=standing_pb2.STANDING_HOUSEHOLD,
        maturity_age=maturity_age,
        country_code="DE",
        free_bytes=10 * GIGABYTE,
        network=planning_pb.NETWORK_TYPE_WIFI,
    )
    return [(each.title_id, each.reason) for each in (await planning.plan_downloads(request)).plan.items]

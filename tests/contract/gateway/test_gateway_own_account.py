"""CreateOwnAccount: a viewer leaves somebody else's account with the profile and all that was watched on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure, once, phone_fields
from tests.contract.gateway.own_account_world import change_list
from tests.contract.gateway.titles import GIGABYTE, bring_series, watched

PASSWORD = "bens-own-four-words"


async def test_a_viewer_leaves_with_the_profile_and_its_history_and_is_at_home_there(
    home: Household, world: World
) -> None:
    await bring_series(world, "harbour", episodes=3)
    ben = await _ben(home, world)
    await watched(world, ben, "harbour.s1e1")
    begun, email = await _begin(world, ben)
    answer = await ben.complete_sign_up(begun, await world.code(email))
    assert answer.account_id != home.account_id
    assert [(each.name, each.primary) for each in answer.profiles] == [("Ben", True)]
    started = await ben.play("film")
    assert started.outcome == decision_pb.OUTCOME_ALLOWED
    assert started.reasons[0].code == decision_pb.REASON_CODE_HOUSEHOLD
    await ben.configure_downloads(GIGABYTE)
    plan = await ben.plan_downloads([], 10 * GIGABYTE)
    assert [each.title_id for each in plan.items][:1] == ["harbour.s1e2"], "the history came along"
    assert plan.items[0].reason == planning_pb.PLAN_REASON_NEXT_EPISODE


async def test_the_taste_and_the_list_move_and_the_downloads_of_the_device_end_where_it_was(
    home: Household, world: World
) -> None:
    """Taste is computed from what was watched, so that moving the history moves it: the same plan, before and after."""
    await bring_series(world, "harbour", episodes=3)
    await bring_series(world, "orchard", episodes=3)
    profile_id = await home.add_profile("Ben")
    ben = await home.signed_in("Ben's phone", **phone_fields())
    ben.profile_id = profile_id
    await watched(world, ben, "harbour.s1e1")
    await change_list(world, ben, add=("orchard.s1e2",))
    await ben.configure_downloads(GIGABYTE)
    before = await ben.plan_downloads([], 10 * GIGABYTE)
    ben.profile_id = home.profile_id
    await ben.configure_downloads(GIGABYTE)
    ben.profile_id = profile_id
    own, planning = str(uuid4()), world.gateway.download_planning
    await planning.move_profile(UUID(home.account_id), UUID(profile_id), UUID(own), device_id=ben.device_id)
    settings = "select count(*) from download_settings where account_id = $1"
    assert await world.databases["download_planning"].fetch_value(settings, UUID(home.account_id)) == 0
    assert [each.title_id for each in await planning.list_my_list(UUID(own), UUID(profile_id))] == ["orchard.s1e2"]
    after = await _planned_in(world, own, ben)
    assert [(each.title_id, each.reason) for each in after] == [(each.title_id, each.reason) for each in before.items]
    assert after[0].title_id == "harbour.s1e2"


async def _planned_in(world: World, account_id: str, device: Device) -> list[planning_pb.PlanItem]:
    """What is planned for the device in another account, asked anew."""
    planning = world.gateway.download_planning
    wanted = planning_pb.DownloadSettings(downloads_for_you=True, smart_downloads=True, budget_bytes=GIGABYTE)
    profile_id, told = UUID(device.profile_id), device.context().device
    await planning.configure_downloads(UUID(account_id), profile_id, told, wanted, 4)
    request = planning_pb.PlanDownloadsRequest(
        account_id=account_id,
        profile_id=device.profile_id,
        device_id=device.device_id,
        standing=standing_pb2.STANDING_HOUSEHOLD,
        maturity_age=18,
        country_code="DE",
        free_bytes=10 * GIGABYTE,
        network=planning_pb.NETWORK_TYPE_WIFI,
    )
    return list((await planning.plan_downloads(request)).plan.items)


async def test_the_household_keeps_its_other_profiles_and_is_told_and_the_device_is_out(
    home: Household, world: World
) -> None:
    ben = await _ben(home, world)
    await ben.verify_later()
    old_token, stream = ben.session_token, (await ben.play("film")).stream
    begun, email = await _begin(world, ben)
    await ben.complete_sign_up(begun, await world.code(email))
    await world.mail(home.owner.email, "made an account of their own")
    signed_in = await home.tv.sign_in(home.owner)
    assert [each.name for each in signed_in.profiles] == ["Ada"]
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    new_token, ben.session_token, ben.profile_id = ben.session_token, old_token, home.profile_id
    for refused in (await ben.play("film"), await ben.renew(stream)):
        assert refused.outcome == decision_pb.OUTCOME_DENIED
    assert (await ben.sign_in(home.owner)).outcome == decision_pb.OUTCOME_DENIED
    listed = await world.accounts.ListDevices(pb.ListDevicesRequest(**asked_by(home.tv)))
    assert standing_pb2.STANDING_REVOKED in {each.standing for each in listed.devices}
    ben.session_token = new_token


async def test_a_device_past_its_deadline_can_still_make_an_own_account(home: Household, world: World) -> None:
    ben = await _ben(home, world)
    await ben.verify_later()
    world.clock.advance(timedelta(days=7))
    await ben.sign_in(home.owner)
    assert (await ben.play("film")).outcome == decision_pb.OUTCOME_DENIED
    begun, email = await _begin(world, ben)
    await ben.complete_sign_up(begun, await world.code(email))
    assert (await ben.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_device_that_was_shut_out_meanwhile_takes_no_profile_with_it(home: Household, world: World) -> None:
    ben = await _ben(home, world)
    begun, email = await _begin(world, ben)
    revoke = pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=ben.device_id)
    await world.accounts.RevokeDevice(revoke)
    refused = await failure(ben.complete_sign_up(begun, await world.code(email)))
    assert refused.reason == "DEVICE_NOT_TRUSTED"
    signed_in = await home.tv.sign_in(home.owner)
    assert {"Ada", "Ben"} == {each.name for each in signed_in.profiles}


@pytest.mark.parametrize("away", ["download_planning", "device_trust"])
async def test_a_move_that_broke_off_is_completed_by_the_same_request(home: Household, world: World, away: str) -> None:
    ben = await _ben(home, world)
    begun, email = await _begin(world, ben)
    request = pb.CompleteSignUpRequest(
        request_id=str(uuid4()), sign_up_id=begun, code=await world.code(email), client=ben.context()
    )
    await world.stop(away)
    broken = await failure(world.accounts.CompleteSignUp(request))
    assert broken.reason == "DEPENDENCY_UNAVAILABLE"
    await world.start(away)
    answer = await world.back(lambda: world.accounts.CompleteSignUp(request))
    world.clock.advance(timedelta(seconds=5))
    again = await world.accounts.CompleteSignUp(request)
    assert (again.account_id, again.profiles) == (answer.account_id, answer.profiles)
    assert [each.name for each in answer.profiles] == ["Ben"]
    ben.session_token = again.credentials.session_token
    assert (await ben.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    assert [each.name for each in (await home.tv.sign_in(home.owner)).profiles] == ["Ada"]


async def test_not_every_profile_and_not_every_device_may_leave(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    ben, kid = await home.add_profile("Ben"), await home.add_profile("Kim", kids=True)
    friend = await home.signed_in("Friend's phone", ELSEWHERE)
    attempts = {
        "primary profile": (friend, home.profile_id, "STATE_CONFLICT"),
        "kids' profile": (friend, kid, "STATE_CONFLICT"),
        "household device": (home.tv, ben, "STATE_CONFLICT"),
        "another account's profile": (friend, other.profile_id, "NOT_FOUND"),
    }
    for name, (device, profile_id, reason) in attempts.items():
        refused = await failure(world.accounts.CreateOwnAccount(_own_account(device, profile_id)))
        assert refused.reason == reason, name
    names = {each.name for each in (await home.tv.sign_in(home.owner)).profiles}
    assert names == {"Ada", "Ben", "Kim"}


async def test_an_own_account_names_each_field_that_is_wrong(home: Household, world: World) -> None:
    ben = await _ben(home, world)
    for field, value in {"email": "ben at home", "password": "short", "country_code": "de", "phone": "12"}.items():
        request = _own_account(ben, ben.profile_id, **{field: value})
        refused = await failure(world.accounts.CreateOwnAccount(request))
        assert (refused.reason, refused.fields) == ("INVALID_FIELD", (field,))


async def _ben(home: Household, world: World) -> Device:
    """A phone elsewhere whose viewer has a profile of the household's account."""
    profile_id = await home.add_profile("Ben")
    ben = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    ben.profile_id = profile_id
    return ben


async def _begin(world: World, device: Device) -> tuple[str, str]:
    request = _own_account(device, device.profile_id)
    return (await world.accounts.CreateOwnAccount(request)).sign_up_id, request.email


def _own_account(device: Device, profile_id: str, **changes: Any) -> pb.CreateOwnAccountRequest:
    fields: dict[str, Any] = {
        **once(device),
        "profile_id": profile_id,
        "email": f"ben.{uuid4().hex[:8]}@example.com",
        "password": PASSWORD,
        "country_code": "DE",
    }
    return pb.CreateOwnAccountRequest(**(fields | changes))

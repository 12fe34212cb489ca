"""An extra member's place, when an account ends: the member's by going back or by erasure, or the host's."""

from __future__ import annotations

from datetime import timedelta

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import member_service_pb2 as pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from libs.devstack.device import Device, Person
from tests.contract.gateway.erasing_world import finish
from tests.contract.gateway.gateway_world import Household, World, once
from tests.contract.gateway.member_world import invite, list_members, member
from tests.contract.gateway.own_account_world import change_list, invited_leaver, whereabouts

DENIED = decision_pb.OUTCOME_DENIED
CONTACT_OWNER, CHOOSE_PLAN = decision_pb.REMEDY_CODE_CONTACT_OWNER, decision_pb.REMEDY_CODE_CHOOSE_PLAN


async def test_a_member_who_goes_back_gives_the_place_up_and_can_be_invited_again(
    home: Household, world: World
) -> None:
    ben = await invited_leaver(home, world)
    await ben.complete()
    assert [each.state for each in (await list_members(home)).members] == [pb.MEMBER_STATE_ACTIVE]
    await change_list(world, ben.device, add=("film-new",))
    assert (await ben.undo(ben.device)).state == own_pb.OWN_ACCOUNT_STATE_UNDONE
    found = await whereabouts(world, ben.profile_id)
    assert (found.profile, found.accounts) == ({home.account_id}, 1)
    assert not (await list_members(home)).members
    assert (await invite(home, ben.person.email)).state == pb.MEMBER_STATE_INVITED


async def test_a_member_whom_the_host_takes_back_keeps_the_place(home: Household, world: World) -> None:
    ben = await invited_leaver(home, world)
    await ben.complete()
    assert (await ben.undo(home.tv)).state == own_pb.OWN_ACCOUNT_STATE_UNDONE
    (profile,) = (await ben.device.sign_in(ben.person)).profiles
    ben.device.profile_id = profile.profile_id
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    assert [each.state for each in (await list_members(home)).members] == [pb.MEMBER_STATE_ACTIVE]


async def test_an_erased_member_takes_no_place_and_until_the_day_it_does(home: Household, world: World) -> None:
    _, tv, ben, _ = await member(home, world)
    erasure_id = await _erase(world, tv, ben)
    assert len((await list_members(home)).members) == 1, "it can be had back"
    world.clock.advance(timedelta(days=14))
    await finish(world, erasure_id)
    await home.tv.sign_in(home.owner)
    assert not (await list_members(home)).members
    assert (await invite(home, ben.email)).state == pb.MEMBER_STATE_INVITED


async def test_members_of_a_host_that_is_erased_are_told_why_and_what_they_can_do(
    home: Household, world: World
) -> None:
    _, tv, ben, account_id = await member(home, world)
    stream = (await tv.play("film")).stream
    erasure_id = await _erase(world, home.tv, home.owner)
    for refused in (await tv.renew(stream), await tv.play("film")):
        assert (refused.outcome, refused.reasons[0].code) == (DENIED, decision_pb.REASON_CODE_ACCOUNT_ON_HOLD)
        assert [each.code for each in refused.remedies] == [CONTACT_OWNER, CHOOSE_PLAN]
    world.clock.advance(timedelta(days=14))
    await finish(world, erasure_id)
    await tv.sign_in(ben)
    refused = await tv.play("film")
    assert (refused.outcome, refused.reasons[0].code) == (DENIED, decision_pb.REASON_CODE_MEMBERSHIP_ENDED)
    assert refused.reasons[0].text
    assert [each.code for each in refused.remedies] == [CHOOSE_PLAN]
    await home.set_plan("basic", account_id)
    assert (await tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def _erase(world: World, device: Device, person: Person) -> str:
    request = privacy_pb.EraseAccountRequest(**once(device), password=person.password)
    return (await world.privacy.EraseAccount(request)).erasure.erasure_id

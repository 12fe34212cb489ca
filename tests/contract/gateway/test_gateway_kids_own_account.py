"""An own account for a child's profile gets an owner's profile, too: somebody grown up has to decide there."""

from __future__ import annotations

import grpc
import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from libs.devstack.device import Device
from tests.contract.gateway.dying_gateway import DEATH
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    THIRD_PLACE,
    Household,
    World,
    asked_by,
    failure,
    once,
    phone_fields,
)
from tests.contract.gateway.own_account_world import (
    LISTED,
    Leaver,
    begin,
    change_list,
    dying_gateway,
    lease_ends,
    whereabouts,
)
from tests.contract.gateway.titles import watched

UNDONE = own_pb.OWN_ACCOUNT_STATE_UNDONE


async def test_the_owner_of_a_childs_account_approves_devices_and_the_child_does_not(
    home: Household, world: World
) -> None:
    kim = await _leaver(home, world, profile_name="Karin")
    answer = await kim.complete()
    told = [(each.name, each.primary, each.kids, each.maturity_age) for each in answer.profiles]
    assert told == [("Karin", True, False, 18), ("Kim", False, True, 6)]
    assert (await kim.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    friend = world.device("Second TV", THIRD_PLACE)
    await friend.sign_in(kim.person)
    asked = (await friend.request_verification(standing_pb2.CHANNEL_TRUSTED_DEVICE)).verification_id

    def approve(profile_id: str) -> pb.ApproveDeviceRequest:
        return pb.ApproveDeviceRequest(**once(kim.device), verification_id=asked, profile_id=profile_id)

    assert (await failure(world.verification.ApproveDevice(approve(kim.profile_id)))).reason == "DEVICE_NOT_TRUSTED"
    approved = await world.verification.ApproveDevice(approve(_owners(answer)))
    assert approved.verification.state == pb.VERIFICATION_STATE_VERIFIED
    friend.profile_id = _owners(answer)
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL


async def test_a_name_that_was_left_out_is_a_plain_one_and_only_a_childs_account_takes_one(
    home: Household, world: World
) -> None:
    answer = await (await _leaver(home, world)).complete()
    assert [each.name for each in answer.profiles] == ["Owner", "Kim"]
    ben = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    ben.profile_id = await home.add_profile("Ben")
    device, asked = await _asked(home, world)
    for attempt in (
        begin(home, world, ben, profile_name="Benjamin"),
        begin(home, world, device, transfer_verification_id=asked, profile_name=" "),
    ):
        refused = await failure(attempt)
        assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("profile_name",))


@pytest.mark.parametrize("side", ["viewer", "owner"])
async def test_an_account_with_nothing_but_the_made_profile_is_closed_by_the_viewers_undoing_alone(
    home: Household, world: World, side: str
) -> None:
    kim = await _leaver(home, world)
    await kim.complete()
    assert (await kim.undo(kim.device if side == "viewer" else home.tv)).state == UNDONE
    found = await whereabouts(world, kim.profile_id)
    assert found.profile == {home.account_id}
    if side == "viewer":
        assert found.accounts == 1
        assert (await failure(kim.device.sign_in(kim.person))).reason == "CREDENTIALS_REJECTED"
        return
    names = {(each.name, each.primary, each.kids) for each in (await kim.device.sign_in(kim.person)).profiles}
    assert names == {("Owner", True, False), ("Kim", False, True)}


@pytest.mark.parametrize("use", ["watched", "listed", "locked", "joined"])
async def test_an_account_whose_owners_profile_somebody_uses_stays_open(
    home: Household, world: World, use: str
) -> None:
    kim = await _leaver(home, world)
    answer = await kim.complete()
    kim.device.profile_id = _owners(answer)
    match use:
        case "watched":
            await watched(world, kim.device, "film-dunes")
        case "listed":
            await change_list(world, kim.device, add=LISTED)
        case "locked":
            lock = profile_pb.SetProfilePinRequest(
                **asked_by(kim.device), profile_id=kim.device.profile_id, pin="471100"
            )
            await world.profiles.SetProfilePin(lock)
        case _:
            own = Household(world=world, owner=kim.person, tv=kim.device, account_id=answer.account_id, profile_id="")
            await own.add_profile("Mia")
    assert (await kim.undo(kim.device)).state == UNDONE
    assert (await whereabouts(world, kim.profile_id)).profile == {home.account_id}
    names = {each.name for each in (await kim.device.sign_in(kim.person)).profiles}
    assert {"Owner", "Kim"} <= names


@pytest.mark.parametrize("die_after", ["RETURN_PROFILE done", "UNDO kept"])
async def test_an_undoing_that_was_cut_short_closes_it_all_the_same(
    home: Household, world: World, die_after: str
) -> None:
    kim = await _leaver(home, world)
    await kim.complete()
    async with dying_gateway(world, die_after) as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.own_accounts.UndoOwnAccount(kim.undoing(kim.device))
        assert await gateway.died() == DEATH
    lease_ends(world)
    await kim.until("UNDONE")
    assert (await whereabouts(world, kim.profile_id)).accounts == 1


async def _leaver(home: Household, world: World, **fields: str) -> Leaver:
    """A child's profile on a phone elsewhere, with the owner's yes, and the own account begun."""
    device, asked = await _asked(home, world)
    return await begin(home, world, device, transfer_verification_id=asked, **fields)


async def _asked(home: Household, world: World) -> tuple[Device, str]:
    profile_id = await home.add_profile("Kim", kids=True, maturity_age=6)
    device = await home.signed_in("Kim's phone", ELSEWHERE, **phone_fields())
    device.profile_id = profile_id
    request = own_pb.RequestProfileTransferRequest(
        **once(device), profile_id=profile_id, channel=standing_pb2.CHANNEL_TRUSTED_DEVICE
    )
    asked = (await world.own_accounts.RequestProfileTransfer(request)).verification.verification_id
    yes = own_pb.DecideProfileTransferRequest(**asked_by(home.tv), verification_id=asked, agree=True)
    await world.own_accounts.DecideProfileTransfer(yes)
    return device, asked


def _owners(answer: account_pb.CompleteSignUpResponse) -> str:
    (profile_id,) = [each.profile_id for each in answer.profiles if each.primary]
    return profile_id

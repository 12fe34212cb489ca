"""The owner's yes: without it no kids' profile and none with a PIN leaves, with it they do."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import own_account_service_pb2 as pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    PHONE,
    Household,
    World,
    asked_by,
    failure,
    once,
    phone_fields,
    wrong,
)
from tests.contract.gateway.own_account_world import Leaver, begin, whereabouts

EMAIL, TEXT, TRUSTED_DEVICE = (
    standing_pb2.CHANNEL_EMAIL,
    standing_pb2.CHANNEL_TEXT,
    standing_pb2.CHANNEL_TRUSTED_DEVICE,
)


async def _viewer(home: Household, kind: str) -> Device:
    """A phone elsewhere, with a kids' profile or one that the household has locked."""
    profile_id = await home.add_profile("Kim", kids=kind == "kids")
    if kind == "locked":
        await home.world.profiles.SetProfilePin(
            profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=profile_id, pin="471100")
        )
    device = await home.signed_in("Kim's phone", ELSEWHERE, **phone_fields())
    device.profile_id = profile_id
    return device


async def _ask(world: World, device: Device, channel: standing_pb2.Channel.ValueType) -> str:
    request = pb.RequestProfileTransferRequest(**once(device), profile_id=device.profile_id, channel=channel)
    return (await world.own_accounts.RequestProfileTransfer(request)).verification.verification_id


async def _decide(world: World, device: Device, verification_id: str, *, agree: bool) -> None:
    request = pb.DecideProfileTransferRequest(**asked_by(device), verification_id=verification_id, agree=agree)
    await world.own_accounts.DecideProfileTransfer(request)


async def _leaves(leaver: Leaver) -> None:
    answer = await leaver.complete()
    assert (await whereabouts(leaver.world, leaver.profile_id)).profile == {answer.account_id}


@pytest.mark.parametrize("kind", ["kids", "locked"])
@pytest.mark.parametrize("channel", [EMAIL, TEXT])
async def test_a_profile_that_needs_a_yes_leaves_with_the_owners_code(
    home: Household, world: World, kind: str, channel: standing_pb2.Channel.ValueType
) -> None:
    kim = await _viewer(home, kind)
    assert (await failure(begin(home, world, kim))).reason == "STATE_CONFLICT"
    asked = await _ask(world, kim, channel)
    code = await (world.code(home.owner.email, "profile") if channel == EMAIL else world.text_code(PHONE))
    refused = await failure(begin(home, world, kim, transfer_verification_id=asked, transfer_code=wrong(code)))
    assert refused.reason == "CREDENTIALS_REJECTED"
    mistaken = await failure(
        begin(home, world, kim, transfer_verification_id=asked, transfer_code=code, email="kim at home")
    )
    assert mistaken.reason == "INVALID_FIELD"
    await _leaves(await begin(home, world, kim, transfer_verification_id=asked, transfer_code=code))


async def test_a_device_of_the_household_says_yes_and_sees_to_what(home: Household, world: World) -> None:
    kim = await _viewer(home, "kids")
    asked = await _ask(world, kim, TRUSTED_DEVICE)
    early = await failure(begin(home, world, kim, transfer_verification_id=asked))
    assert early.reason == "CREDENTIALS_REJECTED"
    listed = await world.own_accounts.ListProfileTransfers(pb.ListProfileTransfersRequest(**asked_by(home.tv)))
    (transfer,) = listed.transfers
    assert (transfer.verification.verification_id, transfer.profile_name) == (asked, "Kim")
    assert await home.tv.pending_verifications() == [], "it is no question of letting a device in"
    await _decide(world, home.tv, asked, agree=True)
    await _leaves(await begin(home, world, kim, transfer_verification_id=asked))


async def test_only_the_household_may_say_yes_and_a_no_holds(home: Household, world: World) -> None:
    kim = await _viewer(home, "kids")
    guest = await home.signed_in("Guest's TV", ELSEWHERE)
    asked = await _ask(world, kim, TRUSTED_DEVICE)
    for device in (guest, kim):
        assert (await failure(_decide(world, device, asked, agree=True))).reason == "DEVICE_NOT_TRUSTED"
    await _decide(world, home.tv, asked, agree=False)
    assert (await failure(_decide(world, home.tv, asked, agree=True))).reason == "STATE_CONFLICT"
    assert (await failure(begin(home, world, kim, transfer_verification_id=asked))).reason == "CREDENTIALS_REJECTED"


async def test_a_yes_is_for_one_profile_on_one_device_and_for_a_day(home: Household, world: World) -> None:
    kim, kit = await _viewer(home, "kids"), await _viewer(home, "kids")
    asked = await _ask(world, kim, TRUSTED_DEVICE)
    await _decide(world, home.tv, asked, agree=True)
    assert (await failure(begin(home, world, kit, transfer_verification_id=asked))).reason == "CREDENTIALS_REJECTED"
    kims, kim.profile_id = kim.profile_id, kit.profile_id
    assert (await failure(begin(home, world, kim, transfer_verification_id=asked))).reason == "CREDENTIALS_REJECTED"
    kim.profile_id = kims
    unknown = await failure(begin(home, world, kim, transfer_verification_id=str(uuid4())))
    assert unknown.reason == "CREDENTIALS_REJECTED"
    world.clock.advance(timedelta(days=1, hours=1))
    await kim.sign_in(home.owner)
    assert (await failure(begin(home, world, kim, transfer_verification_id=asked))).reason == "CREDENTIALS_REJECTED"


async def test_the_owners_code_for_a_profile_lets_no_device_in(home: Household, world: World) -> None:
    kim = await _viewer(home, "kids")
    asked = await _ask(world, kim, EMAIL)
    code = await world.code(home.owner.email, "profile")
    submitted = await kim.submit_code(asked, code)
    assert submitted.result == verification_pb.CODE_RESULT_UNKNOWN
    assert submitted.standing == standing_pb2.STANDING_UNCONFIRMED
    approve = verification_pb.ApproveDeviceRequest(**once(home.tv), verification_id=asked)
    assert (await failure(world.verification.ApproveDevice(approve))).reason == "NOT_FOUND"


async def test_nobody_is_asked_where_there_is_nothing_to_agree_to(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's phone", ELSEWHERE, **phone_fields())
    grown_up, kid = await home.add_profile("Ben"), await home.add_profile("Kim", kids=True)
    for device, profile_id in ((friend, home.profile_id), (friend, grown_up), (home.tv, kid)):
        device.profile_id = profile_id
        assert (await failure(_ask(world, device, EMAIL))).reason == "STATE_CONFLICT"


async def test_only_the_household_locks_a_profile_and_wrong_pins_are_bounded(home: Household, world: World) -> None:
    kim = await _viewer(home, "locked")
    listed = (await home.tv.sign_in(home.owner)).profiles
    assert {each.name: each.pin_locked for each in listed} == {"Ada": False, "Kim": True}
    unlock = profile_pb.SetProfilePinRequest(**asked_by(kim), profile_id=kim.profile_id)
    assert (await failure(world.profiles.SetProfilePin(unlock))).reason == "DEVICE_NOT_TRUSTED"

    def check(pin: str) -> profile_pb.CheckProfilePinRequest:
        return profile_pb.CheckProfilePinRequest(**asked_by(kim), profile_id=kim.profile_id, pin=pin)

    assert (await world.profiles.CheckProfilePin(check("471100"))).right
    left = [(await world.profiles.CheckProfilePin(check("0000"))).attempts_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert (await failure(world.profiles.CheckProfilePin(check("471100")))).reason == "LIMIT_EXCEEDED"
    world.clock.advance(timedelta(minutes=15))
    assert (await world.profiles.CheckProfilePin(check("471100"))).right
    await world.profiles.SetProfilePin(profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=kim.profile_id))
    assert (await failure(world.profiles.CheckProfilePin(check("471100")))).reason == "NOT_FOUND"

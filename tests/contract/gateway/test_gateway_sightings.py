"""What the gateway tells device_trust: who was let in, with which profile, and who was not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as trust_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.devstack.device import Device
from services.device_trust import conversions
from tests.contract.gateway.gateway_world import ABROAD, ELSEWHERE, Household, World, failure, laptop_fields


async def test_a_device_is_judged_with_the_profile_that_is_asked_for(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    client_from = conversions.client_from

    def listening(message: Any, hasher: Any, field: str = "client", profile_id: str = "") -> Any:
        if field == "client":
            asked.append(profile_id)
        return client_from(message, hasher, field, profile_id)

    monkeypatch.setattr(conversions, "client_from", listening)
    phone = await home.signed_in("Ada's phone")
    answer = await phone.play("film")
    await phone.renew(answer.stream)
    assert asked == ["", home.profile_id, home.profile_id], "a sign-in, a start, a renewal"


async def test_a_profile_that_played_at_home_speaks_for_a_device_elsewhere(home: Household, world: World) -> None:
    await home.tv.play("film")
    stranger, spare = world.device("Somebody's TV", ELSEWHERE), str(uuid4())
    # The sighting of the start is on its way.
    told = await world.eventually(lambda: _profile_factor(world, home, stranger, home.profile_id))
    assert told == "Its profile is used at home."
    assert await _profile_factor(world, home, stranger, spare) == "Its profile was never used at home."
    assert await _profile_factor(world, home, stranger, "") == ""
    refused = await failure(_assess(world, home, stranger, "Ada"))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("profile_id",))


async def test_a_sign_in_that_was_stopped_teaches_nothing_and_one_that_was_not_does(
    home: Household, world: World
) -> None:
    stranger = world.device("Somebody's TV", ELSEWHERE)
    before = await _assess(world, home, stranger)
    for _ in range(2):
        thief = world.device("Unknown laptop", ABROAD, "BR", **laptop_fields())
        assert (await thief.sign_in(home.owner)).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
        assert await _assess(world, home, stranger) == before
    assert (await _assess(world, home, thief)).known_device, "it can be seen in the list, and shut out"
    await home.signed_in("Friend's TV", ELSEWHERE)
    assert await _assess(world, home, stranger) != before


async def test_a_stopped_sign_in_is_counted_once_and_does_not_forget_what_was_known(
    home: Household, world: World
) -> None:
    sighting = trust_pb.Sighting(
        sighting_id=str(uuid4()),
        account_id=home.account_id,
        kind=trust_pb.SIGHTING_KIND_SIGN_IN,
        client=home.tv.context(),
        refused=True,
    )
    sighting.event_time.FromDatetime(world.clock.now())
    request = trust_pb.RecordSightingsRequest(sightings=[sighting])
    assert (await world.device_trust.RecordSightings(request)).recorded_count == 1
    assert (await world.device_trust.RecordSightings(request)).recorded_count == 0
    assert (await home.tv.play("film")).reasons[0].code == decision_pb.REASON_CODE_HOUSEHOLD


async def _assess(world: World, home: Household, device: Device, profile_id: str = "") -> trust_pb.Assessment:
    request = trust_pb.AssessDeviceRequest(
        account_id=home.account_id,
        client=device.context(),
        kind=trust_pb.SIGHTING_KIND_START,
        profile_id=profile_id,
    )
    return (await world.device_trust.AssessDevice(request)).assessment


async def _profile_factor(world: World, home: Household, device: Device, profile_id: str) -> str:
    """What the profile says for or against a device, in words; empty where it says nothing."""
    factors = (await _assess(world, home, device, profile_id)).factors
    return next((each.description for each in factors if each.name == "profile"), "")

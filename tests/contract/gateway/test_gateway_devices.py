"""AccountService: the household's devices, where it travels and where it lives."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    HOME,
    THIRD_PLACE,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
)


async def test_the_household_sees_each_device_with_its_standing(home: Household, world: World) -> None:
    await home.signed_in("Friend's TV", ELSEWHERE)
    await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    listed = await world.accounts.ListDevices(pb.ListDevicesRequest(**asked_by(home.tv)))
    assert {each.device.name: each.standing for each in listed.devices} == {
        "Living-room TV": standing_pb2.STANDING_HOUSEHOLD,
        "Friend's TV": standing_pb2.STANDING_UNCONFIRMED,
        "Unknown laptop": standing_pb2.STANDING_SUSPECT,
    }
    assert {each.device.name: each.country_code for each in listed.devices}["Unknown laptop"] == "BR"


async def test_a_device_outside_the_household_sees_no_list(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    refused = await failure(world.accounts.ListDevices(pb.ListDevicesRequest(**asked_by(friend))))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "DEVICE_NOT_TRUSTED")


async def test_a_device_that_the_household_shuts_out_starts_and_renews_nothing(home: Household, world: World) -> None:
    phone = await home.signed_in("Old phone")
    stream = (await phone.play("film")).stream
    request = pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=phone.device_id)
    answer = await world.accounts.RevokeDevice(request)
    assert (answer.ended_session_count, answer.ended_stream_count) == (1, 1)
    for refused in (await phone.play("film"), await phone.renew(stream)):
        assert refused.outcome == decision_pb.OUTCOME_DENIED
        assert refused.reasons[0].code == decision_pb.REASON_CODE_DEVICE_REVOKED
    assert (await phone.sign_in(home.owner)).outcome == decision_pb.OUTCOME_DENIED
    assert "Old phone" in await world.mail(home.owner.email, "A device was shut out")
    again = await world.accounts.RevokeDevice(request)
    assert (again.ended_session_count, again.ended_stream_count) == (0, 0)


async def test_a_device_does_not_shut_itself_out_nor_one_that_is_not_there(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    itself = pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=home.tv.device_id)
    refused = await failure(world.accounts.RevokeDevice(itself))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("device_id",))
    for device_id in ("nobody's", other.tv.device_id):
        unknown = pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=device_id.replace("'", "-"))
        assert (await failure(world.accounts.RevokeDevice(unknown))).reason == "NOT_FOUND"
    assert (await other.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_no_start_that_was_under_way_outlives_a_revocation(home: Household, world: World) -> None:
    phone = await home.signed_in("Old phone")
    revoke = pb.RevokeDeviceRequest(**asked_by(home.tv), device_id=phone.device_id)

    async def revoke_in_between() -> None:
        await world.accounts.RevokeDevice(revoke)
        late = await asyncio.gather(*(phone.play(f"late-{number}") for number in range(4)))
        assert {each.outcome for each in late} == {decision_pb.OUTCOME_DENIED}

    starts = [phone.play(f"film-{number}") for number in range(16)]
    *answers, _ = await asyncio.gather(*starts, revoke_in_between())
    running = await world.playback.ListStreams(playback_pb.ListStreamsRequest(**asked_by(home.tv)))
    assert [each for each in running.streams if each.device_id == phone.device_id] == []
    for answer in answers:
        assert answer is not None
        if answer.HasField("stream"):
            assert (await phone.renew(answer.stream)).outcome == decision_pb.OUTCOME_DENIED


async def test_declared_travel_costs_its_days_and_lets_the_household_in_there(home: Household, world: World) -> None:
    now = world.clock.now()
    request = _travel(home, "BR", now, now + timedelta(days=9))
    first = await world.accounts.DeclareTravel(request)
    assert first.allowances.travel_days_left == 50
    assert (await world.accounts.DeclareTravel(request)) == first, "the same id counts once"
    laptop = await home.signed_in("Ada's new laptop", ABROAD, "BR", **laptop_fields())
    answer = await laptop.play("film")
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEVICE_UNCONFIRMED, "asked, but no suspect"


async def test_a_household_television_plays_abroad_as_a_traveller(home: Household) -> None:
    home.tv.ip_address, home.tv.country_code = ABROAD, "BR"
    answer = await home.tv.play("film")
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED
    assert answer.reasons[0].code == decision_pb.REASON_CODE_TRAVELLING


async def test_impossible_travel_is_refused_by_its_field_and_too_much_by_its_allowance(
    home: Household, world: World
) -> None:
    now = world.clock.now()
    backwards = await failure(world.accounts.DeclareTravel(_travel(home, "BR", now, now - timedelta(days=1))))
    assert (backwards.reason, backwards.fields) == ("INVALID_FIELD", ("end_time",))
    past = _travel(home, "BR", now - timedelta(days=3), now + timedelta(days=1))
    assert (await failure(world.accounts.DeclareTravel(past))).fields == ("start_time",)
    long = await failure(world.accounts.DeclareTravel(_travel(home, "BR", now, now + timedelta(days=60))))
    assert (long.code, long.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ALLOWANCE_EXHAUSTED")
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    fields: dict[str, Any] = {**once(friend), "country_code": "BR", "start_time": _at(now), "end_time": _at(now)}
    refused = await failure(world.accounts.DeclareTravel(pb.DeclareTravelRequest(**fields)))
    assert refused.reason == "DEVICE_NOT_TRUSTED"


async def test_a_declared_residence_makes_a_home_of_the_place(home: Household, world: World) -> None:
    cabin_tv = await home.signed_in("Cabin TV", THIRD_PLACE)
    refused = await failure(world.accounts.DeclareResidence(pb.DeclareResidenceRequest(**once(cabin_tv))))
    assert refused.reason == "DEVICE_NOT_TRUSTED", "a device declares no home for itself"
    home.tv.ip_address = THIRD_PLACE
    request = pb.DeclareResidenceRequest(**once(home.tv), name="Cabin")
    first = await world.accounts.DeclareResidence(request)
    assert await world.accounts.DeclareResidence(request) == first
    assert (await cabin_tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    home.tv.ip_address = ELSEWHERE
    await world.accounts.DeclareResidence(pb.DeclareResidenceRequest(**once(home.tv), name="Boat"))
    home.tv.ip_address = HOME.replace("203", "100")
    beyond = await failure(world.accounts.DeclareResidence(pb.DeclareResidenceRequest(**once(home.tv), name="Hotel")))
    assert beyond.reason == "LIMIT_EXCEEDED"


def _travel(home: Household, country: str, start: datetime, end: datetime) -> pb.DeclareTravelRequest:
    return pb.DeclareTravelRequest(**once(home.tv), country_code=country, start_time=_at(start), end_time=_at(end))


def _at(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message

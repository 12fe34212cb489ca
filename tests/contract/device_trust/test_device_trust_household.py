"""Residences, travel, the device list and revocation."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.runtime.errors import ErrorReason
from tests.contract.device_trust.device_trust_world import DAY, FRIEND, HOTEL, World, client, expect, timestamp


async def declare_residence(
    world: World, address: str, name: str = "", device_id: str = "founder", request_id: UUID | None = None
) -> pb.Residence:
    request = pb.DeclareResidenceRequest(
        request_id=str(request_id or world.ids.new()),
        account_id=str(world.account),
        client=client(device_id, address),
        name=name,
    )
    residence: pb.Residence = (await world.say("DeclareResidence", request)).residence
    return residence


async def declare_travel(
    world: World, country: str, start: datetime, end: datetime, request_id: UUID | None = None
) -> standing_pb2.Allowances:
    request = pb.DeclareTravelRequest(
        request_id=str(request_id or world.ids.new()),
        account_id=str(world.account),
        country_code=country,
        start_time=timestamp(start),
        end_time=timestamp(end),
    )
    allowances: standing_pb2.Allowances = (await world.say("DeclareTravel", request)).allowances
    return allowances


async def revoke(world: World, device_id: str, reason: str = "BY_OWNER", caller: str = "gateway") -> pb.DeviceSummary:
    request = pb.RevokeDeviceRequest(
        account_id=str(world.account),
        device_id=device_id,
        reason=pb.RevocationReason.Value(f"REVOCATION_REASON_{reason}"),
    )
    device: pb.DeviceSummary = (await world.say("RevokeDevice", request, caller)).device
    return device


async def test_a_member_elsewhere_declares_a_second_home_where_others_are_of_the_household_then(world: World) -> None:
    await world.create_account()
    residence = await declare_residence(world, FRIEND, "Lake house")
    assert (residence.name, residence.declared, residence.country_code) == ("Lake house", True, "DE")
    assert (await world.assess(client("tablet", FRIEND))).standing == standing_pb2.STANDING_HOUSEHOLD
    assert [each.declared for each in (await world.household()).residences] == [False, True]


async def test_declaring_a_known_residence_names_it(world: World) -> None:
    await world.create_account()
    learned = (await world.household()).residences[0]
    declared = await declare_residence(world, "203.0.113.200", "Home")
    assert (declared.residence_id, declared.name, declared.declared) == (learned.residence_id, "Home", True)


async def test_only_a_device_of_the_household_declares_a_residence(world: World) -> None:
    await world.create_account()
    await world.confirm(client("friend", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE)
    with expect(ErrorReason.STATE_CONFLICT):
        await declare_residence(world, FRIEND, device_id="friend")


async def test_an_account_has_three_residences_at_most(world: World) -> None:
    await world.create_account()
    for number in (1, 2):
        await declare_residence(world, f"198.51.{number}.1")
    with expect(ErrorReason.LIMIT_EXCEEDED):
        await declare_residence(world, "198.51.3.1")
    assert (await declare_residence(world, "198.51.2.9", "Known")).name == "Known"


async def test_residences_count_the_devices_seen_there_lately(world: World) -> None:
    await world.create_account()
    seen = [
        world.sighting(client("tv")),
        world.sighting(client("phone"), 5 * DAY),
        world.sighting(client("old"), 40 * DAY),
    ]
    await world.record(*seen, world.sighting(client("friend", FRIEND)))
    (residence,) = (await world.household()).residences
    # The television, the phone, and the device that the account was made on.
    assert residence.device_count == 3
    assert residence.last_seen_time == seen[0].event_time


async def test_declared_travel_keeps_an_unknown_device_there_from_being_suspect_while_it_runs(world: World) -> None:
    await world.create_account()
    now = world.clock.now()
    assert (await declare_travel(world, "BR", now, now + 9 * DAY)).travel_days_left == 50
    assert (await world.assess(client("rented-tv", HOTEL, "BR"))).standing == standing_pb2.STANDING_UNCONFIRMED
    assert (await world.assess(client("rented-tv", HOTEL, "PT"))).standing == standing_pb2.STANDING_SUSPECT
    world.clock.advance(10 * DAY)
    await world.days(client("tv"), range(10))
    assert (await world.assess(client("rented-tv", HOTEL, "BR"))).standing == standing_pb2.STANDING_SUSPECT


async def test_a_long_declared_travel_keeps_a_member_longer_than_its_days_at_home_do(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("phone")))
    world.clock.advance(25 * DAY)
    await declare_travel(world, "BR", world.clock.now(), world.clock.now() + 50 * DAY)
    world.clock.advance(45 * DAY)
    assert (await world.assess(client("phone", HOTEL, "BR"))).standing == standing_pb2.STANDING_TRAVELLING
    assert (await world.assess(client("phone", HOTEL, "PT"))).standing == standing_pb2.STANDING_UNCONFIRMED


async def test_travel_days_are_bounded_begun_days_count_whole_and_come_back_after_a_year(world: World) -> None:
    noon = world.clock.now() + timedelta(hours=12)
    assert (await declare_travel(world, "BR", noon, noon + timedelta(hours=13))).travel_days_left == 58
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED, allowance="travel_days"):
        await declare_travel(world, "PT", noon, noon + 58 * DAY)
    assert (await declare_travel(world, "PT", noon, noon + 57 * DAY)).travel_days_left == 0
    world.clock.advance(365 * DAY + 60 * DAY)
    assert (await world.household()).allowances.travel_days_left == 60


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [(3, 2, "end_time"), (-5, -1, "end_time"), (-2, 3, "start_time")],
    ids=["ends before it begins", "is over", "began days ago"],
)
async def test_impossible_travel_names_its_field(world: World, start: int, end: int, field: str) -> None:
    now = world.clock.now()
    with expect(ErrorReason.INVALID_FIELD, field):
        await declare_travel(world, "BR", now + start * DAY, now + end * DAY)


async def test_a_revoked_device_is_shut_out_by_every_path_and_revoking_again_is_harmless(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("tv")))
    assert (await revoke(world, "tv", "NOT_ME")).standing == standing_pb2.STANDING_REVOKED
    assert (await revoke(world, "tv", "BY_OPERATOR", caller="operator")).standing == standing_pb2.STANDING_REVOKED
    kept = await world.context.database.fetch_value("select revocation_reason from device where device_id = 'tv'")
    assert kept == "NOT_ME"
    assessment = await world.assess(client("tv"))
    assert assessment.standing == standing_pb2.STANDING_REVOKED
    assert (assessment.can_defer, assessment.can_use_code) == (False, False)
    for basis in pb.ConfirmationBasis.values()[1:]:
        with expect(ErrorReason.STATE_CONFLICT):
            await world.confirm(client("tv"), basis)
    with expect(ErrorReason.STATE_CONFLICT):
        await world.defer(client("tv"))
    with expect(ErrorReason.STATE_CONFLICT):
        await declare_residence(world, FRIEND, device_id="tv")


async def test_revoking_a_device_that_the_account_never_saw_is_not_found(world: World) -> None:
    await world.another_account().record(world.another_account().sighting(client("tv")))
    with expect(ErrorReason.NOT_FOUND):
        await revoke(world, "tv")


async def lift(world: World, device_id: str) -> pb.DeviceSummary:
    """Let a device back in whose viewer had moved away."""
    request = pb.LiftRevocationRequest(account_id=str(world.account), device_id=device_id)
    device: pb.DeviceSummary = (await world.say("LiftRevocation", request)).device
    return device


async def test_who_moved_away_and_comes_back_is_what_they_were_and_no_member(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("friend", FRIEND)))
    before = (await world.assess(client("friend", FRIEND))).standing
    await revoke(world, "friend", "MOVED_AWAY")
    for _ in range(2):
        assert (await lift(world, "friend")).standing == before == standing_pb2.STANDING_UNCONFIRMED
    assert (await world.assess(client("friend", FRIEND))).standing == standing_pb2.STANDING_UNCONFIRMED


async def test_not_even_the_founder_is_a_member_for_having_come_back(world: World) -> None:
    await world.create_account("founder")
    await revoke(world, "founder", "MOVED_AWAY")
    await lift(world, "founder")
    kept = await world.context.database.fetch_value("select member_since from device where device_id = 'founder'")
    assert kept is None


@pytest.mark.parametrize("reason", ["BY_OWNER", "NOT_ME", "BY_OPERATOR"])
async def test_a_device_that_was_shut_out_for_another_reason_stays_so(world: World, reason: str) -> None:
    await world.create_account()
    await world.record(world.sighting(client("thief", FRIEND)))
    await revoke(world, "thief", reason)
    assert (await lift(world, "thief")).standing == standing_pb2.STANDING_REVOKED
    with expect(ErrorReason.NOT_FOUND):
        await lift(world, "unknown")


async def test_devices_are_listed_with_the_standing_they_have_where_they_were_last_seen(world: World) -> None:
    await world.create_account()
    await world.confirm(client("guest", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE)
    await world.record(
        world.sighting(client("tv")),
        world.sighting(client("waiting", FRIEND)),
        world.sighting(client("thief", HOTEL, "BR")),
    )
    standings = {name: standing_pb2.Standing.Name(each.standing) for name, each in (await world.devices()).items()}
    assert standings == {
        "founder": "STANDING_HOUSEHOLD",
        "tv": "STANDING_HOUSEHOLD",
        "guest": "STANDING_GUEST",
        "waiting": "STANDING_UNCONFIRMED",
        "thief": "STANDING_SUSPECT",
    }


async def test_an_account_that_was_never_seen_has_no_devices_and_full_allowances(world: World) -> None:
    assert not await world.devices()
    household = await world.household()
    assert not household.residences
    left = household.allowances
    assert (left.guest_leases_left, left.deferrals_left, left.travel_days_left) == (3, 2, 60)

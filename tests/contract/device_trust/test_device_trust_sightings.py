"""RecordSightings: order, repeats, impossible times, and what is kept of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.persistence.retention import apply
from libs.runtime.errors import ErrorReason
from services.device_trust.retention import DeviceTrustRetention
from tests.contract.device_trust.device_trust_world import DAY, FRIEND, HOTEL, World, client, expect, timestamp


async def test_unknown_devices_are_created_and_listed_last_seen_first(world: World) -> None:
    seen = [
        world.sighting(client("a"), 3 * DAY),
        world.sighting(client("b"), DAY),
        world.sighting(client("c"), 2 * DAY),
    ]
    assert await world.record(*seen) == 3
    devices = await world.devices()
    assert list(devices) == ["b", "c", "a"]
    assert devices["a"].first_seen_time == devices["a"].last_seen_time == seen[0].event_time
    assert (devices["a"].kind, devices["a"].name) == (client_context_pb2.DEVICE_KIND_TV, "Living room")


async def test_a_repeated_sighting_counts_once_within_a_batch_and_across_batches(world: World) -> None:
    sighting = world.sighting(client("tv"))
    assert await world.record(sighting, sighting) == 1
    before = await world.context.database.fetch("select account_id, data from history")
    assert await world.record(sighting) == 0
    assert await world.context.database.fetch("select account_id, data from history") == before
    assert await world.record(sighting, world.sighting(client("tv"))) == 1


async def test_a_late_sighting_never_takes_a_device_back_in_time(world: World) -> None:
    await world.record(world.sighting(client("tv", FRIEND, "FR", name="New name")))
    await world.record(world.sighting(client("tv", HOTEL, "BR", name="Old name"), 5 * DAY))
    device = (await world.devices())["tv"]
    assert (device.name, device.country_code) == ("New name", "FR")
    assert device.last_seen_time.ToDatetime() - device.first_seen_time.ToDatetime() == 5 * DAY


async def test_a_late_sighting_at_home_still_makes_a_member(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("phone", HOTEL, "BR")))
    assert (await world.devices())["phone"].standing == standing_pb2.STANDING_SUSPECT
    await world.record(world.sighting(client("phone"), 20 * DAY))
    assert (await world.devices())["phone"].standing == standing_pb2.STANDING_TRAVELLING


async def test_a_residence_learns_its_country_from_sightings_and_keeps_it(world: World) -> None:
    await world.confirm(client("founder", country=""), pb.CONFIRMATION_BASIS_ACCOUNT_CREATED)
    assert (await world.assess(client("thief", HOTEL, "BR"))).standing == standing_pb2.STANDING_UNCONFIRMED
    await world.record(world.sighting(client("tv", country="DE"), DAY), world.sighting(client("tv", country="")))
    await world.record(world.sighting(client("tv", country="FR", asn=64500)))
    assert [each.country_code for each in (await world.household()).residences] == ["DE"]
    assert (await world.assess(client("thief", HOTEL, "BR"))).standing == standing_pb2.STANDING_SUSPECT


@pytest.mark.parametrize(
    ("offset", "taken"),
    [
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), False),
        (-90 * DAY, True),
        (-90 * DAY - timedelta(seconds=1), False),
    ],
)
async def test_a_time_too_far_ahead_or_behind_is_refused_by_name(world: World, offset: timedelta, taken: bool) -> None:
    good, other = world.sighting(client("tv")), world.sighting(client("phone"), -offset)
    if taken:
        assert await world.record(good, other) == 2
        return
    with expect(ErrorReason.INVALID_FIELD, "sightings[1].event_time"):
        await world.record(good, other)
    assert not await world.devices()


async def test_a_batch_holds_many_accounts_each_on_its_own(world: World) -> None:
    others = [world.another_account() for _ in range(5)]
    assert await world.record(*(each.sighting(client("tv")) for each in others for _ in range(3))) == 15
    assert [len(await each.devices()) for each in others] == [1] * 5
    assert not await world.devices()


async def test_batches_of_the_same_accounts_in_opposite_orders_at_once_all_arrive(world: World) -> None:
    others = [world.another_account() for _ in range(8)]
    batches = [
        [each.sighting(client(f"tv-{number}")) for each in (others if number % 2 else reversed(others))]
        for number in range(6)
    ]
    counts = await asyncio.gather(*(world.record(*batch) for batch in batches))
    assert counts == [8] * 6
    assert [len(await each.devices()) for each in others] == [6] * 8


async def test_a_revoked_device_that_is_seen_at_home_again_stays_revoked(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("tv")))
    request = pb.RevokeDeviceRequest(
        account_id=str(world.account), device_id="tv", reason=pb.REVOCATION_REASON_BY_OWNER
    )
    await world.say("RevokeDevice", request)
    await world.record(world.sighting(client("tv")))
    assert (await world.assess(client("tv"))).standing == standing_pb2.STANDING_REVOKED


async def test_an_undefined_timestamp_and_a_missing_client_name_their_fields(world: World) -> None:
    broken = world.sighting(client("tv"))
    broken.event_time.seconds = 10**15
    with expect(ErrorReason.INVALID_FIELD, "sightings[0].event_time"):
        await world.record(broken)
    nobody = pb.Sighting(
        sighting_id=str(UUID(int=1)),
        account_id=str(world.account),
        kind=pb.SIGHTING_KIND_START,
        event_time=timestamp(world.clock.now()),
    )
    with expect(ErrorReason.INVALID_FIELD, "sightings[0].client"):
        await world.record(nobody)


async def test_what_is_past_its_retention_is_purged_and_the_rest_stays(world: World) -> None:
    await world.record(world.sighting(client("tv", HOTEL), 80 * DAY), world.sighting(client("tv")))
    await world.create_account()
    policy = DeviceTrustRetention.model_construct(presence_retention_days=100).retention_policy()
    world.clock.advance(25 * DAY)
    await apply(world.context.database, world.clock, policy)
    assert await world.context.database.fetch_value("select count(*) from sighting_seen") == 1
    assert await world.context.database.fetch_value("select count(*) from network_seen") == 1
    world.clock.advance(6 * DAY)
    await apply(world.context.database, world.clock, policy)
    assert await world.context.database.fetch_value("select count(*) from request") == 0
    assert (await world.household()).allowances.guest_leases_left == 3

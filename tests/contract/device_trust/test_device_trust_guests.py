"""Days of those who do not live here: how long they are only watched, what a code still buys, what is given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.runtime.errors import ErrorReason
from services.device_trust.domain.policy import Policy
from tests.contract.device_trust.device_trust_world import (
    DAY,
    FRIEND,
    HOTEL,
    PINNED,
    World,
    client,
    expect,
    laptop,
    phone,
    tablet,
)

CODE = pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE
OTHER = 64510
"""Another provider than at home."""


async def live(world: World, days: int) -> None:
    """The account was made so many days ago, and its television plays at home every day."""
    await world.create_account()
    world.clock.advance(days * DAY)
    await world.days(client("tv"), range(days, -1, -1))


def until(assessment: pb.Assessment) -> datetime | None:
    return assessment.expire_time.ToDatetime() if assessment.HasField("expire_time") else None


def soon(world: World, days: int) -> datetime:
    return (world.clock.now() + days * DAY).replace(tzinfo=None)


class TestTolerated:
    """Unknown devices play for some days."""

    @pytest.fixture
    def policy(self) -> Policy:
        return replace(PINNED, tolerated_days=3, tolerated_days_account=5)

    async def test_an_unknown_device_plays_for_some_days_and_is_asked_then(self, world: World) -> None:
        await live(world, 10)
        friend = client("friend", FRIEND, asn=OTHER)
        for left in (3, 2, 1):
            assessment = await world.assess(friend)
            assert await world.standing(friend) == "UNCONFIRMED"
            assert until(assessment) == soon(world, left)
            assert (assessment.can_defer, assessment.can_use_code) == (False, False)
            await world.record(world.sighting(friend))
            world.clock.advance(DAY)
            await world.days(client("tv"), (0,))
        asked = await world.assess(friend)
        assert (until(asked), asked.can_defer, asked.can_use_code) == (None, True, True)

    async def test_playing_twice_on_a_day_uses_one_day(self, world: World) -> None:
        await live(world, 10)
        world.clock.advance(timedelta(hours=12))
        friend = client("friend", FRIEND, asn=OTHER)
        await world.record(*(world.sighting(friend, timedelta(minutes=minutes)) for minutes in range(5)))
        assert until(await world.assess(friend)) == soon(world, 3)

    async def test_a_new_device_on_the_same_network_gains_no_days_and_new_networks_no_more_than_the_account_s(
        self, world: World
    ) -> None:
        await live(world, 10)
        await world.days(client("friend", FRIEND, asn=OTHER), (3, 2, 1))
        assert until(await world.assess(client("another", FRIEND, asn=OTHER))) is None
        elsewhere = client("another", HOTEL, asn=64520)
        assert until(await world.assess(elsewhere)) == soon(world, 2)
        await world.days(client("third", "198.51.9.1", asn=64530), (5, 4))
        assert until(await world.assess(elsewhere)) is None

    async def test_a_device_that_comes_home_gives_its_days_back(self, world: World) -> None:
        await live(world, 10)
        await world.days(phone("son", FRIEND, asn=OTHER), (4, 3, 2))
        assert until(await world.assess(client("rented-tv", FRIEND, asn=OTHER))) is None
        await world.record(world.sighting(phone("son")))
        assert until(await world.assess(client("rented-tv", FRIEND, asn=OTHER))) == soon(world, 3)


class TestFewDays:
    """Guests of an account play on ten days of ninety."""

    @pytest.fixture
    def policy(self) -> Policy:
        return replace(PINNED, guest_days_90=10)

    async def test_what_a_code_buys_ends_with_the_account_s_days_for_guests(self, world: World) -> None:
        await live(world, 20)
        friend = client("friend", FRIEND, asn=OTHER)
        assert until(await world.confirm(client("first", HOTEL, asn=64520), CODE)) == soon(world, 9)
        await world.days(friend, range(5, 0, -1))
        assert until(await world.confirm(friend, CODE)) == soon(world, 4)

    async def test_a_deferral_ends_with_them_too(self, world: World) -> None:
        await live(world, 20)
        await world.days(client("friend", FRIEND, asn=OTHER), range(5, 0, -1))
        assert until(await world.defer(client("friend", FRIEND, asn=OTHER))) == soon(world, 4)

    async def test_when_they_are_used_up_nothing_is_sold_until_time_has_passed(self, world: World) -> None:
        await live(world, 20)
        await world.days(client("friend", FRIEND, asn=OTHER), range(10, 0, -1))
        late = client("late", HOTEL, asn=64520)
        refused = await world.assess(late)
        assert (refused.can_defer, refused.can_use_code, refused.allowances.guest_leases_left) == (False, False, 2)
        with expect(ErrorReason.ALLOWANCE_EXHAUSTED):
            await world.confirm(late, CODE)
        with expect(ErrorReason.ALLOWANCE_EXHAUSTED):
            await world.defer(late)
        world.clock.advance(90 * DAY)
        await world.days(client("tv"), range(90, -1, -1))
        assert await world.standing(late) == "UNCONFIRMED"
        assert (await world.assess(late)).can_use_code


async def test_uses_of_a_device_that_came_home_since_are_given_back(world: World) -> None:
    await live(world, 3)
    daughter = tablet("daughter", FRIEND, asn=OTHER)
    await world.confirm(daughter, CODE)
    await world.defer(client("friend", HOTEL, asn=64520))
    left = (await world.household()).allowances
    assert (left.guest_leases_left, left.deferrals_left) == (2, 1)
    world.clock.advance(DAY)
    await world.record(world.sighting(tablet("daughter")))
    left = (await world.household()).allowances
    assert (left.guest_leases_left, left.deferrals_left) == (3, 1)


async def test_a_day_at_home_before_the_use_gives_nothing_back(world: World) -> None:
    await live(world, 3)
    await world.confirm(client("friend", FRIEND, asn=OTHER), CODE)
    await world.record(world.sighting(client("friend"), DAY))
    assert (await world.household()).allowances.guest_leases_left == 2


async def test_a_deferral_has_no_deadline_any_more_once_its_device_came_home(world: World) -> None:
    await live(world, 3)
    kept, broken = tablet("kept", FRIEND, asn=OTHER), client("broken", HOTEL, asn=64520)
    for seen in (kept, broken):
        assert until(await world.defer(seen)) == soon(world, 7)
    world.clock.advance(2 * DAY)
    await world.record(world.sighting(tablet("kept")))
    world.clock.advance(70 * DAY)
    await world.days(client("tv"), range(70, -1, -1))
    assert [await world.standing(seen) for seen in (kept, broken)] == ["UNCONFIRMED", "OUTSIDE"]
    assert until(await world.assess(kept)) is None


class TestSecondHousehold:
    """Days for guests abound, so that another household becomes evident before they are used up."""

    @pytest.fixture
    def policy(self) -> Policy:
        return replace(PINNED, guest_days_90=80, guest_days_365=300, second_household=3.0)

    async def test_after_a_code_was_sold_an_evident_second_household_is_outside_and_buys_none(
        self, world: World
    ) -> None:
        await live(world, 3)
        friend, other = client("friend", FRIEND, asn=OTHER), client("never-bought", HOTEL, asn=64520)
        await world.confirm(friend, CODE)
        world.clock.advance(20 * DAY)
        await world.days(client("tv"), range(20, -1, -1))
        for seen in (friend, other):
            await world.days(seen, range(20, 0, -1))
        refused = await world.assess(friend)
        assert await world.standing(friend) == "OUTSIDE"
        assert (refused.can_defer, refused.can_use_code) == (False, False)
        assert refused.allowances.guest_leases_left > 0
        with expect(ErrorReason.ALLOWANCE_EXHAUSTED):
            await world.confirm(friend, CODE)
        # Nobody is refused who was never asked.
        asked = await world.assess(other)
        assert (await world.standing(other), asked.can_use_code) == ("UNCONFIRMED", True)

    async def test_a_lease_that_was_bought_is_kept_to_its_end(self, world: World) -> None:
        await live(world, 3)
        friend = client("friend", FRIEND, asn=OTHER)
        await world.confirm(friend, CODE)
        world.clock.advance(13 * DAY)
        await world.days(client("tv"), range(13, -1, -1))
        await world.days(friend, range(13, 0, -1))
        assert await world.standing(friend) == "GUEST"

    async def test_a_device_that_was_at_home_is_no_second_household(self, world: World) -> None:
        await live(world, 3)
        student = tablet("student", FRIEND, asn=OTHER)
        await world.confirm(student, CODE)
        await world.record(world.sighting(tablet("student")))
        world.clock.advance(20 * DAY)
        await world.days(client("tv"), range(20, -1, -1))
        await world.days(student, range(20, 0, -1))
        assert await world.standing(student) == "HOUSEHOLD"


async def test_a_hotel_s_television_beside_a_device_of_the_household_travels(world: World) -> None:
    await live(world, 30)
    await world.days(laptop(), range(30, 2, -1))
    hotel_tv, neighbour = client("hotel-tv", HOTEL, "FR"), client("hotel-tv", "192.0.3.99", "FR", asn=64700)
    assert await world.standing(hotel_tv) == "SUSPECT"
    await world.days(laptop("laptop", HOTEL, "FR"), (1, 0))
    assert await world.standing(hotel_tv) == "TRAVELLING"
    assert await world.standing(neighbour) != "TRAVELLING"


async def test_a_device_of_the_household_that_was_at_home_on_the_same_day_is_no_company(world: World) -> None:
    await live(world, 30)
    await world.days(laptop(), range(30, -1, -1))
    await world.days(laptop("laptop", FRIEND, asn=OTHER), (1, 0))
    assert await world.standing(client("friend-tv", FRIEND, asn=OTHER)) == "UNCONFIRMED"


async def test_a_refused_device_is_listed_but_teaches_nothing(world: World) -> None:
    await live(world, 3)
    before = await world.context.database.fetch_value("select data from history where account_id = $1", world.account)
    thief = client("thief", HOTEL, "BR")
    refused = [world.sighting(thief, day * DAY, refused=True) for day in range(3)]
    assert await world.record(*refused) == 3
    assert await world.record(*refused) == 0
    after = await world.context.database.fetch_value("select data from history where account_id = $1", world.account)
    assert after == before
    assert (await world.devices())["thief"].last_seen_time == refused[0].event_time
    assert await world.standing(thief) == "SUSPECT"

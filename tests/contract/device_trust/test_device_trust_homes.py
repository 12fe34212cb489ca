"""Where a household lives is learned from where its devices are, and shown by GetHousehold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from services.device_trust.domain.policy import Policy
from services.device_trust.use_cases.count_crowds import count_crowds
from tests.contract.device_trust.device_trust_world import (
    DAY,
    FRIEND,
    HOME,
    HOTEL,
    PINNED,
    World,
    client,
    laptop,
    phone,
    tablet,
    timestamp,
)

MOVED = "203.0.114.7"
HOME_6 = "2001:db8:12:3400::1"
CROWD = 45
"""More accounts than live in one house."""


async def homes(world: World) -> int:
    return len((await world.household()).residences)


async def crowd_on(world: World, address: str) -> None:
    """Many other accounts are on the network, and that was counted."""
    others = [world.another_account() for _ in range(CROWD)]
    await world.record(*(each.sighting(client("other", address)) for each in others))
    await count_crowds(world.context)


async def test_an_account_met_in_the_middle_of_its_life_lives_where_it_is_mostly_used(world: World) -> None:
    await world.days(client("tv"), range(20, -1, -1))
    await world.days(phone(), range(20, -1, -1))
    await world.days(phone("phone", FRIEND, asn=64510), (18, 9))
    (residence,) = (await world.household()).residences
    assert (residence.declared, residence.country_code, residence.device_count) == (False, "DE", 2)
    assert residence.last_seen_time == timestamp(world.clock.now())
    assert await world.standing(client("new-tv")) == "HOUSEHOLD"
    friend = await world.assess(client("friend", FRIEND, asn=64510))
    assert friend.scores.HasField("household")
    assert (await world.standing(client("friend", FRIEND, asn=64510)), friend.can_use_code) == ("UNCONFIRMED", True)


async def test_while_an_account_is_being_learned_its_devices_play_wherever_they_are_and_are_not_offered_a_code(
    world: World,
) -> None:
    await world.days(client("tv"), (3, 2, 1, 0))
    for seen in (client("unknown", FRIEND, asn=64510), phone("another", HOTEL, asn=64520)):
        assessment = await world.assess(seen)
        assert await world.standing(seen) == "UNCONFIRMED"
        assert assessment.expire_time.ToDatetime() > world.clock.now().replace(tzinfo=None)
        assert (assessment.can_defer, assessment.can_use_code) == (False, False)
    world.clock.advance(12 * DAY)
    await world.days(client("tv"), range(11, -1, -1))
    assert not (await world.assess(client("unknown", FRIEND, asn=64510))).HasField("expire_time")


async def test_a_television_that_lived_at_home_takes_the_home_along_to_another_address(world: World) -> None:
    await world.create_account()
    world.clock.advance(30 * DAY)
    await world.days(client("tv"), range(30, 2, -1))
    await world.days(client("tv", MOVED, asn=64510), (2, 1, 0))
    assert await world.standing(phone("new-phone", MOVED, asn=64510)) == "HOUSEHOLD"
    assert await homes(world) == 1


async def test_a_child_s_tablet_at_home_in_two_places_makes_the_other_parent_s_a_home(world: World) -> None:
    await world.create_account()
    world.clock.advance(40 * DAY)
    await world.days(client("tv"), range(40, -1, -1))
    for day in range(40, -1, -1):
        place = FRIEND if (day // 4) % 2 else HOME
        await world.days(tablet("tablet", place, asn=64510 if place == FRIEND else 64500), (day,))
        if place == FRIEND:
            await world.days(client("dads-tv", FRIEND, asn=64510), (day,))
    assert await homes(world) == 2
    assert await world.standing(client("dads-tv", FRIEND, asn=64510)) == "HOUSEHOLD"
    assert await world.standing(phone("dads-phone", FRIEND, asn=64510)) == "HOUSEHOLD"


async def test_devices_that_stay_elsewhere_together_for_a_week_have_a_second_home_there(world: World) -> None:
    await world.create_account()
    world.clock.advance(30 * DAY)
    await world.days(tablet(), range(30, 6, -1))
    await world.days(laptop(), range(30, 6, -1))
    await world.days(client("tv"), range(30, -1, -1))
    await world.days(tablet("tablet", FRIEND, asn=64510), range(6, -1, -1))
    await world.days(client("lake-tv", FRIEND, asn=64510), range(6, -1, -1))
    await world.days(laptop("laptop", FRIEND, asn=64510), range(6, -1, -1))
    assert await homes(world) == 2
    assert await world.standing(client("lake-tv", FRIEND, asn=64510)) == "HOUSEHOLD"


async def test_a_weekend_with_friends_makes_their_place_no_home(world: World) -> None:
    await world.create_account()
    world.clock.advance(30 * DAY)
    await world.days(tablet(), range(30, 2, -1))
    await world.days(laptop(), range(30, 2, -1))
    await world.days(client("tv"), range(30, -1, -1))
    await world.days(tablet("tablet", FRIEND, asn=64510), (2, 1, 0))
    await world.days(client("friends-tv", FRIEND, asn=64510), (2, 1, 0))
    await world.days(laptop("laptop", FRIEND, asn=64510), (2, 1, 0))
    assert await homes(world) == 1
    assert await world.standing(client("friends-tv", FRIEND, asn=64510)) == "TRAVELLING"


async def test_a_household_that_moves_out_of_a_home_that_fell_silent_lives_in_the_new_one(world: World) -> None:
    await world.create_account()
    world.clock.advance(40 * DAY)
    await world.days(laptop(), range(40, 14, -1))
    await world.days(laptop("laptop", FRIEND, asn=64510), range(14, -1, -1))
    (residence,) = (await world.household()).residences
    assert residence.last_seen_time == timestamp(world.clock.now())
    assert await world.standing(client("new-tv", FRIEND, asn=64510)) == "HOUSEHOLD"


async def test_a_network_that_a_crowd_shares_is_never_learned_as_a_home(world: World) -> None:
    quiet = world.another_account()
    await crowd_on(world, HOTEL)
    for account in (world, quiet):
        await account.create_account()
    world.clock.advance(30 * DAY)
    await crowd_on(world, HOTEL)
    for account, place in ((world, HOTEL), (quiet, FRIEND)):
        await account.days(client("tv"), range(30, -1, -1))
        for name in ("laptop", "another-laptop"):
            await account.days(laptop(name), range(30, 8, -1))
            await account.days(laptop(name, place, asn=64510), range(8, -1, -1))
    assert (await homes(world), await homes(quiet)) == (1, 2)
    assert await world.standing(client("anybody", HOTEL, asn=64510)) != "HOUSEHOLD"


async def test_on_a_home_network_that_a_crowd_shares_a_device_has_to_have_been_there_before(world: World) -> None:
    await world.create_account()
    await world.days(client("tv"), (2, 1, 0))
    assert await world.standing(client("stranger")) == "HOUSEHOLD"
    await crowd_on(world, HOME)
    assert await world.standing(client("stranger")) == "UNCONFIRMED"
    assert await world.standing(client("tv")) == "HOUSEHOLD"
    # When the crowd has gone for a month, the network is the household's own again.
    world.clock.advance(32 * DAY)
    await world.days(client("tv"), range(31, -1, -1))
    await count_crowds(world.context)
    assert await world.standing(client("stranger")) == "HOUSEHOLD"


async def test_a_home_s_address_of_the_other_family_is_home_too(world: World) -> None:
    await world.create_account()
    world.clock.advance(10 * DAY)
    for day in range(10, 0, -1):
        soon = day * DAY - timedelta(minutes=5)
        await world.record(world.sighting(client("tv"), day * DAY), world.sighting(client("tv", HOME_6), soon))
    assert await world.standing(phone("visitor", HOME_6)) == "HOUSEHOLD"


class TestLimit:
    """An account of two homes at the most."""

    @pytest.fixture
    def policy(self) -> Policy:
        return replace(PINNED, max_residences=2)

    async def test_there_are_never_more_homes_than_allowed_and_declared_ones_stay(self, world: World) -> None:
        await world.create_account()
        request = pb.DeclareResidenceRequest(
            request_id=str(world.ids.new()), account_id=str(world.account), client=client("founder"), name="Home"
        )
        declared = (await world.say("DeclareResidence", request)).residence
        world.clock.advance(60 * DAY)
        await world.days(client("tv"), range(60, -1, -1))
        for number in range(4):
            begin = 60 - 15 * number
            for name in ("laptop", "another-laptop"):
                await world.days(laptop(name), range(begin, begin - 4, -1))
                await world.days(laptop(name, f"198.51.{number}.1", asn=64510), range(begin - 4, begin - 15, -1))
            shown = {each.residence_id for each in (await world.household()).residences}
            assert len(shown) == 2
            assert declared.residence_id in shown
        # Of what was only learned, the last place took the room of the one before.
        assert await world.standing(phone("visitor", "198.51.3.1", asn=64510)) == "HOUSEHOLD"
        assert await world.standing(phone("visitor", "198.51.0.1", asn=64510)) != "HOUSEHOLD"

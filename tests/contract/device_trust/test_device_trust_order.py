"""The order in which sightings come in: what it may change, and what it may not."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hearthgate.common.v1 import client_context_pb2 as common
from tests.contract.device_trust.device_trust_world import DAY, FRIEND, HOTEL, World, client, phone, tablet

CARRIER: Final = "100.64.7.9"
WEEK: Final = [
    *((day, hour, client("tv")) for day in range(7) for hour in (0, 2)),
    *((day, 1, phone()) for day in range(7)),
    *((day, 5, phone("phone", CARRIER, asn=64700)) for day in range(7)),
    *((day, 3, tablet()) for day in (6, 5, 4, 1)),
    *((day, 3, tablet("tablet", HOTEL, "FR")) for day in (3, 2)),
    *((day, 4, client("hotel-tv", HOTEL, "FR")) for day in (3, 2)),
    *((day, 3, client("friend-tv", FRIEND, asn=64510)) for day in range(1, 7)),
    (2, 4, phone("friend-phone")),
    (1, 4, phone("friend-phone", FRIEND, asn=64510)),
]
"""Days and hours ago, and who was where: a household, a friend with a lent password who dropped in once, a weekend."""
ASKED: Final = [
    *(client("tv", place) for place in (CARRIER, FRIEND)),
    *(client(name, FRIEND, asn=64510) for name in ("friend-tv", "friend-phone", "unknown")),
    *(client(name, HOTEL, "FR") for name in ("hotel-tv", "tablet", "unknown")),
    *(phone("phone", place, asn=64700) for place in (CARRIER, "100.64.8.9")),
    *(phone("friend-phone", place) for place in ("203.0.113.8", CARRIER)),
    client("thief", "192.0.4.1", "BR"),
]


async def lived(world: World, order: list[int], cuts: list[int]) -> list[tuple[common.ClientContext, str]]:
    """The week, told in an order and in batches; then what everybody is."""
    account = world.another_account()
    await account.create_account()
    ends = sorted({0, len(order), *cuts})
    for begin, end in pairwise(ends):
        batch = [WEEK[number] for number in order[begin:end]]
        await account.record(*(account.sighting(seen, day * DAY + timedelta(hours=hour)) for day, hour, seen in batch))
    return [(seen, await account.standing(seen)) for seen in ASKED]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(WEEK))),
    cuts=st.lists(st.integers(1, len(WEEK) - 1), max_size=6),
)
async def test_a_week_of_an_account_whose_making_was_seen_gives_the_same_standings_in_whatever_order_it_comes_in(
    world: World, order: list[int], cuts: list[int]
) -> None:
    """Where no home has to be found anew, who was where on which day is all that counts, not when that was heard."""
    in_time = sorted(range(len(WEEK)), key=lambda number: WEEK[number][:2], reverse=True)
    assert await lived(world, order, cuts) == await lived(world, in_time, [])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(WEEK))))
async def test_the_order_within_a_batch_never_matters_even_where_the_home_is_still_to_be_found(
    world: World, order: list[int]
) -> None:
    bytes_kept = []
    for numbers in (order, list(range(len(WEEK)))):
        account = world.another_account()
        batch = {number: account.sighting(WEEK[number][2], moment(number)) for number in sorted(numbers)}
        await account.record(*(batch[number] for number in numbers))
        bytes_kept.append([(seen.device.id, await account.standing(seen)) for seen in ASKED])
    assert bytes_kept[0] == bytes_kept[1]


def moment(number: int) -> timedelta:
    day, hour, _ = WEEK[number]
    return day * DAY + timedelta(hours=hour)


async def test_a_batch_that_comes_in_again_and_again_changes_nothing(world: World) -> None:
    await world.create_account()
    batch = [world.sighting(seen, day * DAY + timedelta(hours=hour)) for day, hour, seen in WEEK]
    assert await world.record(*batch) == len(batch)
    before = await world.context.database.fetch("select * from history"), await world.devices()
    assert await world.record(*batch[::-1], *batch) == 0
    assert (await world.context.database.fetch("select * from history"), await world.devices()) == before


async def test_a_whole_life_heard_of_late_counts_as_if_it_had_been_heard_in_time(world: World) -> None:
    """Sightings of up to ninety days ago, told on the account's second day here."""
    await world.create_account()
    await world.days(client("tv"), range(89, -1, -1))
    await world.days(phone(), range(89, 60, -1))
    await world.days(client("friend", FRIEND, asn=64510), range(30, 10, -1))
    assert await world.standing(phone("phone", FRIEND, asn=64510)) == "HOUSEHOLD"
    friend = await world.assess(client("friend", FRIEND, asn=64510))
    assert await world.standing(client("friend", FRIEND, asn=64510)) == "UNCONFIRMED"
    assert (friend.can_use_code, friend.known_device) == (False, True)

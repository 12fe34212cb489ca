"""PrivacyService of device_trust: what is held is listed, told without hashes, and deleted for good."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.persistence.privacy import PAGE_ROWS, TOMBSTONE_LIFE, Subject, bury, erase_holdings
from libs.runtime.errors import ErrorReason
from services.device_trust.domain.records import Client, NetworkHash, Sighting
from services.device_trust.storage.privacy import holdings
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.erase_account import erase_account
from services.device_trust.use_cases.export_account import export_account
from tests.contract.device_trust.device_trust_world import FRIEND, World, client, everything, expect, phone
from tests.contract.holdings import unknown_tables, unlisted

HELD = holdings(lambda _: {})


async def test_every_column_that_names_an_account_is_in_the_list_of_what_is_held(world: World) -> None:
    assert await unlisted(world.context.database, HELD, {}) == set()
    assert await unknown_tables(world.context.database, HELD) == set()


async def test_a_person_reads_what_a_device_is_taken_for_and_why(world: World) -> None:
    await world.create_account("tv")
    await world.days(client(), range(20))
    await world.days(phone(), range(1, 10))
    await world.record(world.sighting(client("guest", FRIEND)))
    told = await _told(world, world.account)
    devices = {each["device_id"]: each for each in told["devices"]}
    assert devices["tv"]["standing"] == "HOUSEHOLD"
    assert devices["tv"]["days_at_home"] > 10
    assert devices["guest"]["standing"] in ("UNCONFIRMED", "OUTSIDE")
    assert devices["guest"]["scores"]["lives_with_the_household"] is not None
    assert all(factor["description"] for factor in devices["guest"]["factors"])
    places = [each["place"] for each in told["history"] if "place" in each]
    assert {"tv", "phone"} <= set(places[0]["days_by_device"])
    assert len(places[0]["days_by_device"]["tv"]) >= 10
    assert len(told["sightings"]) == 30
    assert {"residences", "networks_seen", "household"} <= told.keys()


async def test_more_than_a_page_is_told_once_and_deleted_whole(world: World) -> None:
    count = 2 * PAGE_ROWS + 7
    await world.context.database.execute(
        "insert into sighting_seen (account_id, sighting_id, event_time) "
        "select $1, md5(n::text)::uuid, $2 from generate_series(1, $3::int) n",
        *(world.account, world.clock.now(), count),
    )
    sightings = (await _told(world, world.account))["sightings"]
    assert len({each["sighting_id"] for each in sightings}) == len(sightings) == count
    erased = await erase_account(world.context, world.account)
    assert (erased.complete, dict(erased.counts)) == (True, {"sightings": count})


async def test_a_sighting_that_is_on_its_way_in_is_deleted_with_the_rest(world: World) -> None:
    await world.record(world.sighting(client()))
    async with world.context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(world.account, world.clock.now())
        erasing = asyncio.create_task(erase_account(world.context, world.account))
        await _waits_for_a_lock(world)
        await store.add_sightings(world.account, [await _late(world)])
    assert (await erasing).complete
    assert _rows_of(world.account, await everything(world)) == []


async def test_without_lock_and_tombstone_what_is_on_its_way_in_would_stay(world: World) -> None:
    """The negative control: the same deletion in another order, with nothing that refuses what comes later."""
    await world.record(world.sighting(client()))
    async with world.context.database.transaction() as transaction:
        store = Store(transaction)
        await store.lock_household(world.account, world.clock.now())
        subject = Subject(account_id=world.account)
        naive = asyncio.create_task(erase_holdings(world.context.database, HELD[::-1], subject))
        await store.add_sightings(world.account, [await _late(world)])
        await _waits_for_a_lock(world)
    await naive
    await world.record(world.sighting(client()))
    assert _rows_of(world.account, await everything(world)) != []


async def test_what_comes_for_an_erased_account_is_refused_and_holds_up_nobody_else(world: World) -> None:
    await world.create_account("tv")
    other = world.another_account()
    await erase_account(world.context, world.account)
    assert await world.record(world.sighting(client()), other.sighting(client())) == 1
    for attempt in (world.defer(client("guest", FRIEND)), world.create_account("tv")):
        with expect(ErrorReason.NOT_FOUND):
            await attempt
    revoke = pb.RevokeDeviceRequest(account_id=str(world.account), device_id="tv", reason=pb.REVOCATION_REASON_BY_OWNER)
    with expect(ErrorReason.NOT_FOUND):
        await world.say("RevokeDevice", revoke)
    assert _rows_of(world.account, await everything(world)) == []


async def test_tombstones_do_not_pile_up(world: World) -> None:
    await erase_account(world.context, world.account)
    world.clock.advance(TOMBSTONE_LIFE + timedelta(days=1))
    await bury(world.context.database, world.another_account().account, world.clock.now())
    assert len((await everything(world))["erased_account"]) == 1


async def _told(world: World, account_id: UUID) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    async with aclosing(export_account(world.context, account_id)) as chunks:
        async for chunk in chunks:
            for each in chunk:
                told.setdefault(each.kind, []).append(json.loads(each.json))
    return told


async def _late(world: World) -> Sighting:
    seen = Client(device_id="late", kind="TV", name="Late", platform="TIZEN", network=NetworkHash(bytes(16)))
    return Sighting(sighting_id=world.ids.new(), account_id=world.account, event_time=world.clock.now(), client=seen)


async def _waits_for_a_lock(world: World) -> None:
    """Return when somebody waits for somebody else's row."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await world.context.database.fetch_value(waiting):
            pass


def _rows_of(account_id: UUID, content: dict[str, list[str]]) -> list[str]:
    return [line for lines in content.values() for line in lines if str(account_id) in line]

"""What identity does over many accounts goes by account: a bounded number at a time, and nobody waits for another's."""

from __future__ import annotations

import asyncio
from uuid import UUID

from services.identity.audit_anchoring import anchor
from services.identity.domain.membership import PLACE_RETENTION
from services.identity.storage import members
from tests.contract.identity.identity_world import World
from tests.contract.identity.member_world import cancel, host, invite


async def test_places_that_are_over_long_ago_are_forgotten_a_few_at_a_time(world: World) -> None:
    hosts = [await host(world, email=f"{number}@example.com") for number in range(3)]
    for account_id in hosts:
        place = (await invite(world, account_id)).member
        await cancel(world, account_id, place.member_id)
    database, before = world.identity.database, world.clock.now() - PLACE_RETENTION
    assert await members.delete_old_places(database, before, 10) == 0, "they are not old yet"
    world.clock.advance(PLACE_RETENTION)
    before = world.clock.now() - PLACE_RETENTION
    forgotten = [await members.delete_old_places(database, before, 2) for _ in range(3)]
    assert forgotten == [2, 1, 0]
    assert await database.fetch_value("select count(*) from extra_member") == 0


async def test_anchoring_holds_no_chain_up_while_it_waits_for_another(world: World) -> None:
    for number in range(2):
        await world.active(email=f"{number}@example.com")
    database = world.identity.database
    first, last = await database.fetch("select account_id from audit_subject order by subject_id")
    async with database.transaction() as busy:
        await busy.execute("select from audit_subject where account_id = $1 for update", last["account_id"])
        anchoring = asyncio.create_task(anchor(world.identity))
        await _waiting(world)
        assert await _is_free(world, first["account_id"])
        assert not await _is_free(world, last["account_id"]), "the control: this one is held"
    assert await anchoring == 2
    marked = "select count(*) from audit_subject where anchored_sequence = sequence"
    assert await database.fetch_value(marked) == 2


async def _waiting(world: World) -> None:
    """Return once somebody waits for a row."""
    waits = """select exists (select from pg_stat_activity
                              where datname = current_database() and wait_event_type = 'Lock')"""
    async with asyncio.timeout(10):
        while not await world.identity.database.fetch_value(waits):
            pass


async def _is_free(world: World, account_id: UUID) -> bool:
    free = "select exists (select from audit_subject where account_id = $1 for update skip locked)"
    return bool(await world.identity.database.fetch_value(free, account_id))

"""What identity keeps no longer is gone, what it still needs is not, and nobody notices while it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.persistence import retention
from libs.persistence.retention import Outcome, apply
from libs.runtime.errors import ErrorReason
from services.identity.retention import IdentityRetention
from services.identity.settings import IdentitySettings
from services.identity.storage.accounts import ensure_data_key
from services.identity.use_cases.purge_sign_ups import purge_sign_ups
from tests.contract.identity.identity_world import EMAIL, PHONE, World, refused
from tests.contract.identity.test_identity_device_keys import Keyed

DAY = timedelta(days=1)
POLICY = IdentityRetention.model_construct().retention_policy()


async def keep(world: World, *, dry_run: bool = False) -> dict[str, int]:
    """Apply the policy; rows by table."""
    outcomes: list[Outcome] = await apply(world.identity.database, world.clock, POLICY, dry_run=dry_run)
    assert [each.failure for each in outcomes if each.failure] == []
    return {each.table: each.rows for each in outcomes if each.rows}


async def count(world: World, table: str, account_id: str) -> int:
    """Rows of an account."""
    statement = f"select count(*) from {table} where account_id = $1"  # noqa: S608  # a test's own names
    rows: int = await world.identity.database.fetch_value(statement, UUID(account_id))
    return rows


async def test_an_account_that_was_never_activated_goes_with_all_it_holds(world: World) -> None:
    request = world.sign_up(phone=PHONE)
    abandoned = (await world.say("CreateAccount", request)).account_id
    kept = await world.active(email="bob@example.com")
    for account_id in (abandoned, kept):
        await ensure_data_key(world.identity.database, world.identity.keys, UUID(account_id))
    world.clock.advance(2 * DAY)
    assert await purge_sign_ups(world.identity, 3 * DAY) == 0
    assert await purge_sign_ups(world.identity, DAY) == 1
    for table in ("account", "contact", "contact_key", "credential", "profile"):
        assert await count(world, table, abandoned) == 0
        assert await count(world, table, kept) == 1
    with refused(ErrorReason.NOT_FOUND):
        await world.activate(abandoned)
    again = (await world.say("CreateAccount", request)).account_id
    assert again != abandoned, "a request id that was forgotten makes an account as any other"


async def test_an_account_that_is_activated_meanwhile_stays(world: World) -> None:
    """The deletion finds accounts without a lock, and looks again with one."""
    account_id = (await world.create()).account_id
    world.clock.advance(31 * DAY)
    activated = Activating(world, account_id)
    identity = replace(world.identity, database=activated)  # type: ignore[arg-type]  # a database in between
    await purge_sign_ups(identity, DAY)
    assert (await world.authenticate()).account_id == account_id


async def test_sessions_go_a_quarter_after_their_end_and_live_ones_stay(world: World) -> None:
    account_id = await world.active()
    phone = Keyed(world=world, name="phone")  # without a key its session would end for good meanwhile
    ended, live = await world.open(account_id), (await phone.open(account_id)).tokens
    forgotten = await world.open(account_id, device_id="attic")
    assert await world.end(account_id, device_id="tv") == 1
    for _ in range(3):
        world.clock.advance(29 * DAY)
        live = (await phone.refresh(live)).tokens
    assert "session" not in await keep(world)
    world.clock.advance(4 * DAY)
    live = (await phone.refresh(live)).tokens
    assert (await keep(world))["session"] == 1
    world.clock.advance(20 * DAY)
    live = (await phone.refresh(live)).tokens
    world.clock.advance(20 * DAY)
    assert (await keep(world))["session"] == 1, "what ran out counts from then on"
    for gone in (ended, forgotten):
        with refused(ErrorReason.SESSION_UNKNOWN):
            await world.resolve(gone.tokens)
    assert await count(world, "session", account_id) == 1


async def test_contacts_of_a_closed_account_are_shredded_and_its_address_stays_reserved(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    await keep(world)
    world.clock.advance(181 * DAY)
    assert (await keep(world))["contact"] == 1
    assert await count(world, "contact", account_id) == 0
    assert (await world.create(email=EMAIL)).email_taken


async def test_an_account_that_was_opened_again_keeps_its_contacts(world: World) -> None:
    account_id = await world.active()
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    await keep(world)
    await world.set_state(account_id, pb.ACCOUNT_STATE_ACTIVE)
    world.clock.advance(181 * DAY)
    assert "contact" not in await keep(world)
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    assert "contact" not in await keep(world), "half a year counts from the second closing"
    assert await count(world, "contact", account_id) == 1


async def test_the_mark_of_a_moved_profile_goes_and_the_profile_stays_where_it_is(world: World) -> None:
    source, target = await world.active(), await world.active(email="bob@example.com")
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    world.clock.advance(89 * DAY)
    assert "profile" not in await keep(world)
    world.clock.advance(2 * DAY)
    assert (await keep(world))["profile"] == 1
    assert [each.name for each in await world.profiles(target)] == ["Ada", "Bea"]


async def test_a_walk_in_small_pieces_deletes_as_much_as_one_in_a_single_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        await world.active(email=f"{number}@example.com")
    world.clock.advance(31 * DAY)
    late = await world.active(email="late@example.com")
    assert (await keep(world))["sign_up"] == 7
    assert await count(world, "sign_up", late) == 1


async def test_numbers_that_contradict_each_other_are_refused(settings: IdentitySettings) -> None:
    given = {"database_url": "postgresql://unused", "contact_keys": "A" * 43}
    for wrong in ({"spent_token_days": 89}, {"ended_session_days": 29}, {"moved_profile_days": 13}):
        with pytest.raises(ValidationError):
            IdentitySettings(**(given | wrong))  # type: ignore[arg-type]  # pydantic wraps them


class Activating:
    """The database, in which the account is activated between finding it and locking it."""

    def __init__(self, world: World, account_id: str) -> None:
        self._world = world
        self._account_id = account_id

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.identity.database, name)

    async def fetch(self, statement: str, *arguments: object) -> object:
        """Read; then, before anything is locked, the owner comes."""
        rows = await self._world.identity.database.fetch(statement, *arguments)
        if rows:
            await self._world.activate(self._account_id)
        return rows

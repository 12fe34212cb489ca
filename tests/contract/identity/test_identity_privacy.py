"""PrivacyService of identity: all that is held is listed; an account is closed, opened again, and deleted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason
from services.identity.privacy_servicer import privacy_registration
from services.identity.storage.privacy import holdings
from services.identity.use_cases.close_account import close_account
from services.identity.use_cases.erase_account import erase_account
from services.identity.use_cases.purge_sign_ups import purge_sign_ups
from services.identity.use_cases.reopen_account import reopen_account
from tests.contract.holdings import unknown_tables, unlisted
from tests.contract.identity.identity_world import World, refused

KEEP = timedelta(hours=48)


async def test_every_column_that_names_an_account_is_in_the_list_of_what_is_held(world: World) -> None:
    held = holdings(world.identity.keys, uuid4())
    assert await unlisted(world.identity.database, held, {}) == set()
    assert await unknown_tables(world.identity.database, held) == set()


async def test_a_table_that_is_not_in_the_list_is_noticed(world: World) -> None:
    """The negative control of the test above."""
    held = [each for each in holdings(world.identity.keys, uuid4()) if each.table != "session"]
    assert await unlisted(world.identity.database, held, {}) == {("session", "account_id")}


async def test_a_closed_account_is_as_it_was_when_it_is_opened_again(world: World) -> None:
    for state in (pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_ON_HOLD):
        account_id = await world.active(email=f"{state}@example.com")
        await world.set_state(account_id, state)
        tokens = (await world.open(account_id)).tokens
        assert await close_account(UUID(account_id), 1, identity=world.identity) == 1
        assert await close_account(UUID(account_id), 2, identity=world.identity) == 0
        assert (await world.fate(tokens))[0] == pb.SESSION_STATE_ENDED
        for _ in range(2):
            await reopen_account(UUID(account_id), 3, identity=world.identity)
        account = (await world.say("GetAccount", pb.GetAccountRequest(account_id=account_id))).account
        assert account.state == state
    with refused(ErrorReason.NOT_FOUND):
        await close_account(uuid4(), 1, identity=world.identity)


async def test_erasing_twice_finds_nothing_and_harms_nobody_else(world: World) -> None:
    one, other = await world.active(email="one@example.com"), await world.active(email="other@example.com")
    erased = await erase_account(UUID(one), identity=world.identity)
    assert erased.complete
    assert erased.counts["account"] == erased.counts["contacts"] == erased.counts["addresses"] == 1
    again = await erase_account(UUID(one), identity=world.identity)
    assert (again.complete, dict(again.counts)) == (True, {})
    assert (await world.authenticate("other@example.com")).account_id == other
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate("one@example.com")


async def test_sign_ups_that_were_never_completed_go_and_others_stay(world: World) -> None:
    active = await world.active(email="active@example.com")
    pending = (await world.create(email="pending@example.com")).account_id
    assert await purge_sign_ups(world.identity, KEEP) == 0, "it may still be completed"
    world.clock.advance(KEEP + timedelta(minutes=1))
    young = (await world.create(email="young@example.com")).account_id
    assert await purge_sign_ups(world.identity, KEEP) == 1
    for account_id, there in ((active, True), (pending, False), (young, True)):
        found = await world.identity.database.fetch_value(
            "select count(*) from account where account_id = $1", UUID(account_id)
        )
        assert bool(found) is there


async def test_only_the_gateway_may_export_and_erase(world: World) -> None:
    assert privacy_registration(world.identity).allowed_callers == {"gateway"}
    assert privacy_registration(world.identity).by_method == {}

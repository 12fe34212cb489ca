"""An account that is to be erased: closed to everybody but its erasure, whose turns may come late, and then gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.contact_keys import ContactKeys
from services.identity.domain.account_state import AccountState
from services.identity.storage.privacy import holdings
from services.identity.use_cases.changing_state import change_state
from services.identity.use_cases.close_account import close_account
from services.identity.use_cases.list_destinations import list_destinations
from services.identity.use_cases.purge_sign_ups import purge_sign_ups
from services.identity.use_cases.reopen_account import reopen_account
from tests.contract.identity.identity_world import EMAIL, PHONE, CutShort, World, refused
from tests.contract.identity.member_world import BEN, account, host, invite, member_of
from tests.contract.identity.test_identity_approvers import CARL, add
from tests.contract.identity.test_identity_contacts import OTHER_EMAIL, THIRD_EMAIL, change, say, wish

ACTIVE, ON_HOLD, CLOSED = pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_ON_HOLD, pb.ACCOUNT_STATE_CLOSED
KEEP = timedelta(hours=48)
STATEMENTS = [each.erase.split("/* identity.")[1].split(":")[0] for each in holdings(ContactKeys([bytes(32)]), uuid4())]


@pytest.mark.parametrize("state", [ACTIVE, ON_HOLD])
async def test_an_account_that_is_to_be_erased_is_opened_by_calling_that_off_alone(
    world: World, state: pb.AccountState.ValueType
) -> None:
    account_id = await world.active()
    await close_account(UUID(account_id), 1, identity=world.identity)
    with pytest.raises(ServiceError) as refusal:
        await world.set_state(account_id, state)
    assert (refusal.value.reason, refusal.value.metadata["remedy"]) == (ErrorReason.STATE_CONFLICT, "CancelErasure")
    assert (await account(world, account_id)).state == CLOSED
    await reopen_account(UUID(account_id), 2, identity=world.identity)
    assert (await world.set_state(account_id, state)).state == state


async def test_who_is_closed_for_good_meanwhile_stays_closed_when_the_erasure_is_called_off(world: World) -> None:
    account_id = await world.active()
    await close_account(UUID(account_id), 1, identity=world.identity)
    assert (await world.set_state(account_id, CLOSED)).state == CLOSED
    await close_account(UUID(account_id), 1, identity=world.identity)
    await reopen_account(UUID(account_id), 2, identity=world.identity)
    assert (await account(world, account_id)).state == CLOSED
    assert (await world.set_state(account_id, ACTIVE)).state == ACTIVE


async def test_a_members_own_state_is_kept_and_not_what_its_host_makes_of_it(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await world.set_state(host_id, ON_HOLD)
    assert (await account(world, member_id)).state == ON_HOLD
    await close_account(UUID(member_id), 1, identity=world.identity)
    await reopen_account(UUID(member_id), 2, identity=world.identity)
    assert (await account(world, member_id)).state == ON_HOLD, "the host's"
    await world.set_state(host_id, ACTIVE)
    assert (await account(world, member_id)).state == ACTIVE


async def test_a_turn_that_was_overtaken_neither_closes_nor_opens(world: World) -> None:
    account_id = UUID(await world.active())
    await close_account(account_id, 7, identity=world.identity)
    await reopen_account(account_id, 8, identity=world.identity)
    with refused(ErrorReason.CONCURRENT_CHANGE):
        await close_account(account_id, 7, identity=world.identity)
    assert (await account(world, str(account_id))).state == ACTIVE
    await close_account(account_id, 9, identity=world.identity)
    with refused(ErrorReason.CONCURRENT_CHANGE):
        await reopen_account(account_id, 8, identity=world.identity)
    assert (await account(world, str(account_id))).state == CLOSED


async def test_a_sign_up_that_is_to_be_erased_is_completed_only_when_that_is_called_off(world: World) -> None:
    account_id = (await world.create()).account_id
    await close_account(UUID(account_id), 1, identity=world.identity)
    with refused(ErrorReason.STATE_CONFLICT):
        await world.activate(account_id)
    await reopen_account(UUID(account_id), 2, identity=world.identity)
    assert (await world.activate(account_id)).account.state == ACTIVE


async def test_an_account_that_is_open_all_the_same_stays_so_when_its_erasure_is_called_off(world: World) -> None:
    """A process of an earlier release, or a hand, may have opened it without a word to the erasure."""
    account_id = UUID(await world.active())
    await close_account(account_id, 1, identity=world.identity)
    async with world.identity.database.transaction() as transaction:
        closed, on_hold = AccountState.CLOSED, AccountState.ON_HOLD
        await change_state(transaction, account_id, closed, on_hold, identity=world.identity)
    await reopen_account(account_id, 2, identity=world.identity)
    assert (await account(world, str(account_id))).state == ON_HOLD
    assert (await world.set_state(str(account_id), ACTIVE)).state == ACTIVE


async def test_every_destination_that_is_held_is_listed_by_whose_it_is(world: World) -> None:
    account_id = await host(world, phone=PHONE)
    await change(world, account_id)
    await say(world, wish(account_id, THIRD_EMAIL))
    await add(world, account_id)
    await invite(world, account_id)
    found = await list_destinations(UUID(account_id), identity=world.identity)
    assert set(found.own) == {EMAIL, OTHER_EMAIL, PHONE}, "the former one is the owner's, too"
    assert set(found.others) == {CARL, BEN, THIRD_EMAIL}, "nobody has proved the third"
    assert CARL not in repr(found)
    unknown = await list_destinations(uuid4(), identity=world.identity)
    assert (unknown.own, unknown.others) == ((), ())


async def test_a_former_address_that_is_anothers_by_now_is_not_listed_as_the_owners(world: World) -> None:
    account_id = await world.active()
    await change(world, account_id)
    world.clock.advance(timedelta(days=60))
    await change(world, account_id, THIRD_EMAIL)
    await world.active(email=EMAIL)
    found = await list_destinations(UUID(account_id), identity=world.identity)
    assert set(found.own) == {OTHER_EMAIL, THIRD_EMAIL}
    assert set(found.others) <= {EMAIL}


@pytest.mark.parametrize("after", [False, True])
async def test_a_purge_that_breaks_off_anywhere_is_finished_by_the_next_and_nobody_slips_in(
    world: World, *, after: bool
) -> None:
    for number, statement in enumerate(STATEMENTS):
        created = await world.create(email=f"{number}@example.com", phone=PHONE)
        world.clock.advance(KEEP + timedelta(minutes=1))
        weak: Any = CutShort(world.identity.database, f"identity.{statement}:", after=after)
        with refused(ErrorReason.STORAGE_UNAVAILABLE):
            await purge_sign_ups(replace(world.identity, database=weak), KEEP)
        if not (after and statement == "erase_account"):
            with refused(ErrorReason.STATE_CONFLICT):
                await world.activate(created.account_id)
            assert await purge_sign_ups(world.identity, KEEP) == 1, statement
        assert await _rows(world, created.account_id) == 0, statement


async def test_a_purge_holds_no_rows_of_other_accounts_together(world: World) -> None:
    """Each statement is committed by itself; what the first ones deleted is gone where the last one fails."""
    created = await world.create(phone=PHONE)
    world.clock.advance(KEEP + timedelta(minutes=1))
    weak: Any = CutShort(world.identity.database, "identity.erase_account:", after=False)
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await purge_sign_ups(replace(world.identity, database=weak), KEEP)
    assert await _rows(world, created.account_id) == 1, "only the account itself is left"


async def _rows(world: World, account_id: str) -> int:
    tables = ("account", "contact", "contact_key", "credential", "profile", "sign_up", "audit_subject")
    counting = [f"select count(*) from {table} where account_id = $1" for table in tables]  # noqa: S608 - its own
    return sum([await world.identity.database.fetch_value(each, UUID(account_id)) for each in counting])

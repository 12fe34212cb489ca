"""Extra members at the same time and cut short: races with a negative control, and each step's repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.persistence.database import Database
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.account_state import AccountState
from services.identity.member_upkeep import finish_memberships
from services.identity.storage import accounts
from services.identity.storage import members as places
from services.identity.use_cases.activate_account import activate_account
from services.identity.use_cases.remove_member import remove_member
from services.identity.use_cases.set_account_plan import set_account_plan
from services.identity.use_cases.set_account_state import set_account_state
from services.identity.use_cases.telling_members import tell_members
from tests.contract.identity.identity_world import CutShort, World, refused
from tests.contract.identity.member_world import BEN, account, cancel, host, invite, member_of, members, remove

ACTIVE, ON_HOLD, CLOSED = pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_ON_HOLD, pb.ACCOUNT_STATE_CLOSED


async def test_of_many_invitations_for_the_last_slot_one_is_made(world: World) -> None:
    host_id = await host(world, "standard")
    await _all_at_once_naively(world.identity.database, UUID(host_id))
    attempts = (invite(world, host_id, f"{number}@example.com") for number in range(8))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    errors = [answer.reason for answer in answers if isinstance(answer, ServiceError)]
    assert errors == [ErrorReason.LIMIT_EXCEEDED] * 7
    assert len(await members(world, host_id)) == 1


async def _all_at_once_naively(database: Database, host_id: UUID) -> None:
    """The negative control: counting, and inserting what the count allows, lets two into one slot."""
    counted = asyncio.Barrier(2)

    async def naive(number: int) -> bool:
        async with database.transaction() as transaction:
            count = await transaction.fetch_value("select count(*) from extra_member where account_id = $1", host_id)
            await counted.wait()
            if count >= 1:
                return False
            await transaction.execute(
                "insert into extra_member (account_id, member_id, slot, state, sealed_email, invite_time, expire_time)"
                " values ($1, $2, $3, 'INVITED', 'x', $4, $4)",
                *(host_id, UUID(int=number), number, world_time),
            )
        return True

    world_time = await database.fetch_value("select timestamptz '2030-01-01'")
    assert all(await asyncio.gather(naive(1), naive(2))), "the naive way holds two slots of a plan with one"
    await database.execute("delete from extra_member where account_id = $1", host_id)


async def test_of_two_accounts_that_take_one_place_at_once_one_is_the_member(world: World) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    created = [
        await world.create(email=BEN, invitation_token=invited.invitation_token, profile_name="Ben") for _ in range(2)
    ]
    answers = await asyncio.gather(*(world.activate(each.account_id) for each in created), return_exceptions=True)
    errors = [answer.reason for answer in answers if isinstance(answer, ServiceError)]
    assert errors == [ErrorReason.STATE_CONFLICT]
    [member] = await members(world, host_id)
    assert member.account_id in {each.account_id for each in created}


async def test_an_invitation_that_is_cancelled_while_it_is_accepted_makes_a_member_or_none(world: World) -> None:
    host_id = await host(world)
    for number in range(4):
        email = f"{number}@example.com"
        invited = await invite(world, host_id, email)
        created = await world.create(email=email, invitation_token=invited.invitation_token, profile_name="Ben")
        await asyncio.gather(
            world.activate(created.account_id),
            cancel(world, host_id, invited.member.member_id),
            return_exceptions=True,
        )
        listed = {member.account_id for member in await members(world, host_id)}
        state = (await account(world, created.account_id)).state
        assert (created.account_id in listed) == (state == ACTIVE)
        await remove(world, host_id, invited.member.member_id)


@contextmanager
def _fails() -> Iterator[None]:
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        yield


@pytest.mark.parametrize("statement", ["tell_member", "mark_told"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("mended_by", ["repeat", "upkeep"])
async def test_what_broke_off_between_host_and_member_is_finished_by_a_repeat_or_the_upkeep(
    world: World, statement: str, when: str, mended_by: str
) -> None:
    host_id = await host(world)
    place_id, member_id = await member_of(world, host_id)
    database: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    broken = replace(world.identity, database=database)
    with _fails():
        await set_account_state(UUID(host_id), AccountState.CLOSED, identity=broken)
    await (world.set_state(host_id, CLOSED) if mended_by == "repeat" else finish_memberships(world.identity))
    assert (await account(world, member_id)).state == ON_HOLD
    await world.set_state(host_id, ACTIVE)
    with _fails():
        await remove_member(UUID(host_id), UUID(place_id), identity=broken)
    await (remove(world, host_id, place_id) if mended_by == "repeat" else finish_memberships(world.identity))
    removed = await account(world, member_id)
    assert (removed.state, removed.host_account_id) == (ON_HOLD, "")


@pytest.mark.parametrize("statement", ["take_place", "tell_member", "mark_told"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_acceptance_that_broke_off_is_completed_by_the_same_call_and_plays_nothing_until_then(
    world: World, statement: str, when: str
) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    created = await world.create(email=BEN, invitation_token=invited.invitation_token, profile_name="Ben")
    database: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    with _fails():
        await activate_account(UUID(created.account_id), identity=replace(world.identity, database=database))
    told = (statement, when) in (("tell_member", "after"), ("mark_told", "before"), ("mark_told", "after"))
    assert (await account(world, created.account_id)).state == (ACTIVE if told else ON_HOLD)
    assert (await world.activate(created.account_id)).account.state == ACTIVE
    assert [each.account_id for each in await members(world, host_id)] == [created.account_id]


@pytest.mark.parametrize("statement", ["end_left_place", "mark_host_told"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_place_that_a_member_left_is_freed_though_the_call_broke_off(
    world: World, statement: str, when: str
) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    database: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    with _fails():
        await set_account_plan(UUID(member_id), "basic", identity=replace(world.identity, database=database))
    assert (await account(world, member_id)).state == ACTIVE
    await finish_memberships(world.identity)
    assert (await account(world, host_id)).free_extra_member_slots == 2


async def test_states_set_at_once_leave_members_with_the_hosts_last_word(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    for _ in range(4):
        states = [ON_HOLD, ACTIVE, ON_HOLD, ACTIVE, ON_HOLD]
        await asyncio.gather(*(world.set_state(host_id, state) for state in states))
        assert (await account(world, member_id)).state == (await account(world, host_id)).state


_SOMEBODY_WAITS = (
    "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
)
Take = Callable[[World, UUID, UUID, UUID], Awaitable[None]]


async def _by_activation(world: World, host_id: UUID, member_id: UUID, account_id: UUID) -> None:
    await world.activate(str(account_id))


async def _without_holding_the_host(world: World, host_id: UUID, member_id: UUID, account_id: UUID) -> None:
    """The negative control: the host's state is looked at, but not held."""
    database = world.identity.database
    assert await places.take_place(database, host_id, member_id, account_id, world.clock.now())
    await tell_members(host_id, world.identity)


async def _holds_after_a_hold_at_the_same_time(world: World, take: Take, email: str) -> bool:
    """Whether somebody who accepts while the host is being held may watch when all is said and done."""
    host_id = UUID(await host(world, email=f"host.{email}"))
    invited = await invite(world, str(host_id), email)
    created = await world.create(email=email, invitation_token=invited.invitation_token, profile_name="Ben")
    database, account_id = world.identity.database, UUID(created.account_id)
    async with asyncio.timeout(10), database.transaction() as transaction:
        await accounts.lock_account(transaction, host_id)
        await accounts.set_account_state(transaction, host_id, AccountState.ON_HOLD)
        await places.mark_untold(transaction, host_id)
        taking = asyncio.ensure_future(take(world, host_id, UUID(invited.member.member_id), account_id))
        while not taking.done() and not await database.fetch_value(_SOMEBODY_WAITS):
            pass
    await asyncio.gather(taking, return_exceptions=True)
    await finish_memberships(world.identity)
    copy = await places.find_membership(database, account_id)
    return copy is not None and copy.holds


async def test_nobody_watches_on_a_host_that_was_held_while_the_invitation_was_accepted(world: World) -> None:
    assert not await _holds_after_a_hold_at_the_same_time(world, _by_activation, BEN)
    naive = await _holds_after_a_hold_at_the_same_time(world, _without_holding_the_host, "naive@example.com")
    assert naive, "the negative control passed"

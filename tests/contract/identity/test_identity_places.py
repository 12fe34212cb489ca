"""When an extra member's place is free again: as the account's viewer went back, was erased, or is long closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import member_service_pb2 as member_pb
from libs.runtime.errors import ErrorReason
from services.identity.member_upkeep import finish_memberships
from services.identity.use_cases.close_account import close_account
from services.identity.use_cases.erase_account import erase_account
from services.identity.use_cases.reopen_account import reopen_account
from services.identity.use_cases.return_profile import LeftBehind, ReturnProfile, return_profile
from tests.contract.identity.identity_world import CutShort, World, new_id, refused
from tests.contract.identity.member_world import BEN, account, host, invite, join, member_of, members, remove, say
from tests.contract.identity.test_identity_pins_and_returns import CLOSED, returning
from tests.contract.identity.test_identity_pins_and_returns import say as say_of_profiles
from tests.contract.identity.test_identity_retention import keep

CAROL = "carol@example.com"
ACTIVE, ON_HOLD, GONE = pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_ON_HOLD, pb.ACCOUNT_STATE_CLOSED


async def test_who_goes_back_gives_the_place_and_the_address_up(world: World) -> None:
    host_id, profile_id, member_id = await _member_with_a_profile_of_the_host(world)
    back = returning(host_id, profile_id, member_id, left_behind=CLOSED)
    for _ in range(2):
        assert (await say_of_profiles(world, "ReturnProfile", back)).closed
        assert await members(world, host_id) == []
    assert (await account(world, host_id)).free_extra_member_slots == 2
    again = await invite(world, host_id)
    assert (await account(world, await join(world, again.invitation_token))).state == ACTIVE


@pytest.mark.parametrize("statement", ["leave_membership", "end_left_place", "mark_host_told"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_place_whose_freeing_was_cut_short_is_freed_by_the_next_call_or_the_upkeep(
    world: World, statement: str, when: str
) -> None:
    host_id, profile_id, member_id = await _member_with_a_profile_of_the_host(world)
    request = returning(host_id, profile_id, member_id, left_behind=CLOSED)
    command = ReturnProfile(
        source=UUID(host_id),
        profile_id=UUID(profile_id),
        target=UUID(member_id),
        left_behind=LeftBehind.CLOSED_IF_EMPTY,
        fresh_profile_id=UUID(request.fresh_profile_id),
        dry_run=False,
    )
    cut_short: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await return_profile(command, identity=replace(world.identity, database=cut_short))
    if statement == "leave_membership":
        assert (await say_of_profiles(world, "ReturnProfile", request)).closed
    else:
        await finish_memberships(world.identity)
    assert await members(world, host_id) == []
    assert (await account(world, member_id)).state == GONE


async def test_who_goes_back_as_a_host_leaves_no_member_watching(world: World) -> None:
    """An account of its own that has members itself: they hear of its end as of any other."""
    move = pb.ProfileMove(source_account_id=new_id(), profile_id=new_id())
    source, target = await world.active(), await host(world, email=CAROL, profile_name="", profile_move=move)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    _, member_id = await member_of(world, target)
    back = returning(source, profile.profile_id, target, left_behind=CLOSED)
    assert (await say_of_profiles(world, "ReturnProfile", back)).closed
    assert (await account(world, member_id)).state == ON_HOLD


async def test_a_closed_members_place_is_kept_until_the_host_takes_it(world: World) -> None:
    """Closing can be undone, by the operator and until the day of an erasure: so the place waits."""
    host_id = await host(world)
    place_id, member_id = await member_of(world, host_id)
    await world.set_state(member_id, GONE)
    await finish_memberships(world.identity)
    assert [each.account_id for each in await members(world, host_id)] == [member_id]
    assert (await world.set_state(member_id, ACTIVE)).state == ACTIVE
    await close_account(UUID(member_id), 1, identity=world.identity)
    await reopen_account(UUID(member_id), 2, identity=world.identity)
    assert (await account(world, member_id)).state == ACTIVE
    await world.set_state(member_id, GONE)
    assert (await remove(world, host_id, place_id)).state == member_pb.MEMBER_STATE_REMOVED
    assert (await account(world, host_id)).free_extra_member_slots == 2
    assert (await world.set_state(member_id, ACTIVE)).state == ON_HOLD


async def test_a_member_that_is_closed_for_half_a_year_takes_no_place_any_more(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await world.set_state(member_id, GONE)
    await keep(world)
    world.clock.advance(timedelta(days=181))
    assert (await keep(world))["contact"] == 1
    await finish_memberships(world.identity)
    assert await members(world, host_id) == []


async def test_an_erased_members_place_is_free_and_the_address_can_be_invited_again(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await close_account(UUID(member_id), 1, identity=world.identity)
    assert (await erase_account(UUID(member_id), identity=world.identity)).complete
    assert await members(world, host_id) == []
    assert (await account(world, host_id)).free_extra_member_slots == 2
    again = await invite(world, host_id)
    assert (await account(world, await join(world, again.invitation_token))).state == ACTIVE


async def test_members_of_an_erased_host_are_on_hold_without_one_and_can_be_anothers(world: World) -> None:
    host_id, other = await host(world), await host(world, email=CAROL)
    _, member_id = await member_of(world, host_id)
    assert (await erase_account(UUID(host_id), identity=world.identity)).complete
    told = await account(world, member_id)
    assert (told.state, told.host_account_id, told.plan.plan_id) == (ON_HOLD, "", "extra-member")
    invited = await invite(world, other, BEN)
    request = member_pb.AcceptInvitationRequest(account_id=member_id, invitation_token=invited.invitation_token)
    assert (await say(world, "AcceptInvitation", request)).account.state == ACTIVE


async def _member_with_a_profile_of_the_host(world: World) -> tuple[str, str, str]:
    """A member who came with a profile of the host's account: host, profile and the member's account."""
    host_id = await host(world)
    profile_id = (await world.profile(host_id)).profile_id
    move = pb.ProfileMove(source_account_id=host_id, profile_id=profile_id)
    invited = await invite(world, host_id)
    member_id = await join(world, invited.invitation_token, profile_name="", profile_move=move)
    await world.move(host_id, profile_id, member_id)
    return host_id, profile_id, member_id

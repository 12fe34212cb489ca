"""Extra members: places on a host's plan, taken by invitation, one profile each."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import member_service_pb2 as member_pb
from libs.runtime.errors import ErrorReason
from services.identity.domain.membership import INVITATION_LIFE, parse_invitation_token
from services.identity.member_upkeep import finish_memberships
from tests.contract.identity.identity_world import EMAIL, World, new_id, refused
from tests.contract.identity.member_world import (
    BEN,
    accept,
    account,
    cancel,
    host,
    invite,
    join,
    member_of,
    members,
    remove,
    say,
    set_plan,
)

CAROL = "carol@example.com"
ACTIVE, ON_HOLD, CLOSED = pb.ACCOUNT_STATE_ACTIVE, pb.ACCOUNT_STATE_ON_HOLD, pb.ACCOUNT_STATE_CLOSED


async def test_an_invited_person_gets_an_account_on_the_hosts_plan_with_one_stream_and_one_profile(
    world: World,
) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id, "Ben@Example.com")
    assert (invited.email, invited.member.masked_email) == ("Ben@example.com", "B•••@e•••.com")
    assert invited.member.state == member_pb.MEMBER_STATE_INVITED
    member_id = await join(world, invited.invitation_token)
    ben = await account(world, member_id)
    assert (ben.state, ben.host_account_id, ben.plan.plan_id) == (ACTIVE, host_id, "extra-member")
    assert (ben.plan.max_streams, ben.plan.max_download_devices, ben.plan.extra_member_slots) == (1, 1, 0)
    assert ben.plan.quality == (await account(world, host_id)).plan.quality, "the picture is the host's"
    assert [profile.name for profile in await world.profiles(member_id)] == ["Ben"]
    [member] = await members(world, host_id)
    assert (member.state, member.account_id) == (member_pb.MEMBER_STATE_ACTIVE, member_id)
    resolved = await world.resolve((await world.open(member_id)).tokens)
    assert resolved.account == ben, "a session tells the same"


async def test_a_member_has_one_profile_and_no_members_of_its_own(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    with refused(ErrorReason.LIMIT_EXCEEDED):
        await world.profile(member_id)
    profile = await world.profile(host_id)
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(host_id, profile.profile_id, member_id)
    with refused(ErrorReason.LIMIT_EXCEEDED):
        await invite(world, member_id, CAROL)


async def test_a_profile_of_the_host_can_be_the_members_one(world: World) -> None:
    host_id = await host(world)
    profile = await world.profile(host_id, "Ben")
    invited = await invite(world, host_id)
    move = pb.ProfileMove(source_account_id=host_id, profile_id=profile.profile_id)
    member_id = await join(world, invited.invitation_token, profile_name="", profile_move=move)
    assert (await world.move(host_id, profile.profile_id, member_id)).primary
    assert [each.profile_id for each in await world.profiles(member_id)] == [profile.profile_id]


async def test_free_slots_are_told_with_the_account(world: World) -> None:
    host_id = await host(world)
    assert (await account(world, host_id)).free_extra_member_slots == 2
    await invite(world, host_id)
    assert (await account(world, host_id)).free_extra_member_slots == 1
    await world.set_state(host_id, ON_HOLD)
    assert (await account(world, host_id)).free_extra_member_slots == 0


async def test_a_repeated_invitation_holds_one_slot_and_every_token_of_it_opens_it(world: World) -> None:
    host_id, request_id = await host(world), new_id()
    first = await invite(world, host_id, request_id=request_id)
    again = await invite(world, host_id, request_id=request_id)
    assert again.member == first.member
    assert again.invitation_token != first.invitation_token
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await invite(world, host_id, CAROL, request_id=request_id)
    member_id = await join(world, first.invitation_token)
    over = await invite(world, host_id, request_id=request_id)
    assert (over.member.account_id, over.invitation_token) == (member_id, "")
    with refused(ErrorReason.NOT_FOUND):
        await join(world, again.invitation_token)


async def test_only_a_digest_of_the_token_is_kept_and_the_address_is_sealed(world: World) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    token = parse_invitation_token(invited.invitation_token)
    assert token is not None
    kept = await world.identity.database.fetch(
        "select to_jsonb(i)::text || to_jsonb(e)::text from invitation i, extra_member e"
    )
    assert kept
    for row in kept:
        assert token.secret not in row[0]
        assert BEN not in row[0]
    assert token.secret not in repr(token)


async def test_an_invitation_opens_for_the_invited_address_alone(world: World) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    for email, token in (
        ("mallory@example.com", invited.invitation_token),
        (BEN, invited.invitation_token[:-1] + ("A" if invited.invitation_token[-1] != "A" else "B")),
        (BEN, f"hgi1.{UUID(new_id()).hex}.{'A' * 43}"),
        (BEN, "no token"),
    ):
        with refused(ErrorReason.NOT_FOUND):
            await world.create(email=email, invitation_token=token)
    assert (await account(world, await join(world, invited.invitation_token, "BEN@example.com"))).state == ACTIVE


async def test_an_invitation_is_over_after_two_weeks_and_its_slot_is_free(world: World) -> None:
    host_id = await host(world, "standard")
    invited = await invite(world, host_id)
    begun = await world.create(email=BEN, invitation_token=invited.invitation_token, profile_name="Ben")
    world.clock.advance(INVITATION_LIFE)
    with refused(ErrorReason.NOT_FOUND):
        await world.create(email=BEN, invitation_token=invited.invitation_token)
    with refused(ErrorReason.STATE_CONFLICT):
        await world.activate(begun.account_id)
    assert await members(world, host_id) == []
    await finish_memberships(world.identity)
    assert (await account(world, host_id)).free_extra_member_slots == 1
    await invite(world, host_id, CAROL)


async def test_a_cancelled_invitation_opens_nothing_and_an_accepted_one_is_not_cancelled(world: World) -> None:
    host_id = await host(world)
    first, second = await invite(world, host_id), await invite(world, host_id, CAROL)
    assert (await cancel(world, host_id, first.member.member_id)).state == member_pb.MEMBER_STATE_REMOVED
    assert (await cancel(world, host_id, first.member.member_id)).masked_email == ""
    with refused(ErrorReason.NOT_FOUND):
        await join(world, first.invitation_token)
    await join(world, second.invitation_token, CAROL)
    with refused(ErrorReason.STATE_CONFLICT):
        await cancel(world, host_id, second.member.member_id)


async def test_one_person_is_invited_once_and_nobody_invites_themselves(world: World) -> None:
    host_id = await host(world)
    await invite(world, host_id)
    with refused(ErrorReason.STATE_CONFLICT):
        await invite(world, host_id, BEN.upper().replace("EXAMPLE.COM", "example.com"))
    with refused(ErrorReason.INVALID_FIELD, "email"):
        await invite(world, host_id, EMAIL)
    with refused(ErrorReason.INVALID_FIELD, "email"):
        await invite(world, host_id, "ben at home")


@pytest.mark.parametrize("state", [ON_HOLD, CLOSED])
async def test_a_host_that_is_not_in_good_order_invites_nobody_and_its_invitations_rest(
    world: World, state: pb.AccountState.ValueType
) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    await world.set_state(host_id, state)
    with refused(ErrorReason.NOT_FOUND if state == CLOSED else ErrorReason.STATE_CONFLICT):
        await invite(world, host_id, CAROL)
    with refused(ErrorReason.NOT_FOUND):
        await join(world, invited.invitation_token)


async def test_a_taken_address_is_answered_alike_and_never_becomes_a_member(world: World) -> None:
    host_id = await host(world)
    await world.active(email=BEN, profile_name="Ben")
    invited = await invite(world, host_id)
    created = await world.create(email=BEN, invitation_token=invited.invitation_token)
    assert created.email_taken
    with refused(ErrorReason.STATE_CONFLICT):
        await world.activate(created.account_id)
    assert [each.state for each in await members(world, host_id)] == [member_pb.MEMBER_STATE_INVITED]


async def test_a_removed_member_is_on_hold_until_it_has_a_plan_of_its_own(world: World) -> None:
    host_id = await host(world)
    place_id, member_id = await member_of(world, host_id)
    tokens = (await world.open(member_id)).tokens
    removed = await remove(world, host_id, place_id)
    assert (removed.state, removed.account_id) == (member_pb.MEMBER_STATE_REMOVED, member_id)
    assert await remove(world, host_id, place_id) == removed
    resolved = await world.resolve(tokens)
    assert (resolved.session.state, resolved.account.state) == (pb.SESSION_STATE_LIVE, ON_HOLD)
    assert resolved.account.host_account_id == ""
    assert (await account(world, host_id)).free_extra_member_slots == 2
    own = await set_plan(world, member_id, "basic")
    assert (own.state, own.plan.plan_id) == (ACTIVE, "basic")
    await world.profile(member_id)


async def test_a_member_with_a_plan_of_its_own_leaves_and_hears_of_its_host_no_more(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    own = await set_plan(world, member_id, "standard")
    assert (own.state, own.host_account_id) == (ACTIVE, "")
    assert await members(world, host_id) == []
    await world.set_state(host_id, CLOSED)
    assert (await account(world, member_id)).state == ACTIVE


@pytest.mark.parametrize("state", [ON_HOLD, CLOSED])
async def test_members_are_on_hold_while_their_host_is_not_in_good_order(
    world: World, state: pb.AccountState.ValueType
) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await world.set_state(host_id, state)
    held = await account(world, member_id)
    assert (held.state, held.host_account_id) == (ON_HOLD, host_id)
    assert (await world.authenticate(BEN)).account_id == member_id, "and may sign in"
    await world.set_state(host_id, ACTIVE)
    assert (await account(world, member_id)).state == ACTIVE


async def test_a_members_own_hold_outlives_its_hosts(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await world.set_state(member_id, ON_HOLD)
    await world.set_state(host_id, ON_HOLD)
    await world.set_state(host_id, ACTIVE)
    assert (await account(world, member_id)).state == ON_HOLD
    assert (await world.set_state(member_id, ACTIVE)).state == ACTIVE


async def test_a_former_member_comes_back_by_invitation_and_the_old_hosts_word_is_not_heard(world: World) -> None:
    old, new = await host(world), await host(world, email="dora@example.com")
    place_id, member_id = await member_of(world, old)
    invited = await invite(world, new)
    with refused(ErrorReason.STATE_CONFLICT):
        await accept(world, member_id, invited.invitation_token)
    await remove(world, old, place_id)
    for _ in range(2):
        joined = await accept(world, member_id, invited.invitation_token)
        assert (joined.state, joined.host_account_id) == (ACTIVE, new)
    await world.set_state(old, CLOSED)
    assert (await account(world, member_id)).state == ACTIVE
    await world.set_state(new, ON_HOLD)
    assert (await account(world, member_id)).state == ON_HOLD


async def test_an_account_with_a_plan_of_its_own_or_another_address_takes_no_place(world: World) -> None:
    host_id = await host(world)
    other = await host(world, email="dora@example.com")
    ben = await world.active(email=BEN, profile_name="Ben")
    invited = await invite(world, host_id)
    with refused(ErrorReason.STATE_CONFLICT):
        await accept(world, ben, invited.invitation_token)
    with refused(ErrorReason.NOT_FOUND):
        await accept(world, other, invited.invitation_token)


async def test_unknown_members_and_accounts_are_not_found_nor_are_anothers(world: World) -> None:
    host_id, other = await host(world), await host(world, email="dora@example.com")
    place_id, _ = await member_of(world, host_id)
    for account_id, member_id in ((host_id, new_id()), (other, place_id), (new_id(), place_id)):
        with refused(ErrorReason.NOT_FOUND):
            await remove(world, account_id, member_id)
        with refused(ErrorReason.NOT_FOUND):
            await cancel(world, account_id, member_id)
    for attempt in (invite(world, new_id()), members(world, new_id())):
        with refused(ErrorReason.NOT_FOUND):
            await attempt
    assert len(await members(world, host_id)) == 1


async def test_the_gateway_alone_invites_and_nobody_else_looks(world: World) -> None:
    request = member_pb.InviteMemberRequest(request_id=new_id(), account_id=new_id(), email=BEN)
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await say(world, "InviteMember", request, caller="operator")
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await say(world, "ListMembers", member_pb.ListMembersRequest(account_id=new_id()), caller="challenge")


async def test_nobody_orders_the_members_plan(world: World) -> None:
    with refused(ErrorReason.INVALID_FIELD, "plan_id"):
        await world.create(plan_id="extra-member")
    invited = await invite(world, await host(world))
    with refused(ErrorReason.INVALID_FIELD, "plan_id"):
        await world.create(email=BEN, plan_id="basic", invitation_token=invited.invitation_token)
    plans = (await world.say("ListPlans", pb.ListPlansRequest())).plans
    assert [plan.plan_id for plan in plans] == ["basic", "premium", "standard"]


async def test_tokens_of_one_invitation_are_not_without_end(world: World) -> None:
    host_id, request_id = await host(world), new_id()
    with refused(ErrorReason.LIMIT_EXCEEDED):
        for _ in range(21):
            await invite(world, host_id, request_id=request_id)


async def test_an_invitation_lasts_until_its_last_moment(world: World) -> None:
    host_id = await host(world)
    invited = await invite(world, host_id)
    world.clock.advance(INVITATION_LIFE - timedelta(seconds=1))
    assert (await account(world, await join(world, invited.invitation_token))).state == ACTIVE


async def test_a_household_does_not_write_to_strangers_by_inviting_and_cancelling(world: World) -> None:
    host_id = await host(world)
    for number in range(10):
        invited = await invite(world, host_id, f"{number}@example.com")
        await cancel(world, host_id, invited.member.member_id)
    with refused(ErrorReason.LIMIT_EXCEEDED):
        await invite(world, host_id)
    world.clock.advance(INVITATION_LIFE)
    await invite(world, host_id)


async def test_places_that_are_long_over_are_forgotten_and_members_are_not(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    over = await invite(world, host_id, CAROL)
    await cancel(world, host_id, over.member.member_id)
    world.clock.advance(timedelta(days=90))
    await finish_memberships(world.identity)
    with refused(ErrorReason.NOT_FOUND):
        await remove(world, host_id, over.member.member_id)
    assert [each.account_id for each in await members(world, host_id)] == [member_id]

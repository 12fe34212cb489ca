"""Plans: what they grant, and how an operator changes an account's."""

from __future__ import annotations

import asyncio

import pytest

from hearthgate.common.v1 import video_quality_pb2 as quality_pb
from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.identity.identity_world import World, new_id, refused
from tests.contract.identity.member_world import account, host, invite, member_of, members, remove, set_plan

CAROL = "carol@example.com"


async def test_each_plan_says_what_it_grants(world: World) -> None:
    plans = {plan.plan_id: plan for plan in (await world.say("ListPlans", pb.ListPlansRequest())).plans}
    granted = {
        name: (plan.max_streams, plan.max_download_devices, plan.extra_member_slots, plan.quality)
        for name, plan in plans.items()
    }
    assert granted == {
        "basic": (1, 1, 0, quality_pb.VIDEO_QUALITY_HD),
        "standard": (2, 2, 1, quality_pb.VIDEO_QUALITY_FULL_HD),
        "premium": (4, 6, 2, quality_pb.VIDEO_QUALITY_UHD),
    }


async def test_a_plan_is_changed_both_ways_and_sessions_see_it_at_once(world: World) -> None:
    account_id = await world.active(plan_id="basic")
    tokens = (await world.open(account_id)).tokens
    for plan_id in ("premium", "standard", "standard", "basic"):
        changed = await set_plan(world, account_id, plan_id)
        assert changed.plan.plan_id == plan_id
        assert (await world.resolve(tokens)).account == changed


async def test_a_plan_with_too_few_slots_is_refused_and_says_how_many_members_must_leave(world: World) -> None:
    host_id = await host(world)
    first, _ = await member_of(world, host_id)
    await invite(world, host_id, CAROL)
    for plan_id, surplus in (("standard", "1"), ("basic", "2")):
        with pytest.raises(ServiceError) as caught:
            await set_plan(world, host_id, plan_id)
        assert caught.value.reason is ErrorReason.STATE_CONFLICT
        assert caught.value.metadata["members_to_remove"] == surplus
    await remove(world, host_id, first)
    assert (await set_plan(world, host_id, "standard")).free_extra_member_slots == 0


async def test_a_smaller_plan_and_an_invitation_at_once_never_leave_more_members_than_slots(world: World) -> None:
    host_id = await host(world)
    await member_of(world, host_id)
    for number in range(6):
        await asyncio.gather(
            set_plan(world, host_id, "standard"),
            invite(world, host_id, f"{number}@example.com"),
            return_exceptions=True,
        )
        plan = (await account(world, host_id)).plan
        listed = await members(world, host_id)
        assert len(listed) <= plan.extra_member_slots
        for member in listed[1:]:
            await remove(world, host_id, member.member_id)
        await set_plan(world, host_id, "premium")


async def test_a_members_picture_follows_its_hosts_plan(world: World) -> None:
    host_id = await host(world)
    _, member_id = await member_of(world, host_id)
    await set_plan(world, host_id, "standard")
    assert (await account(world, member_id)).plan.quality == quality_pb.VIDEO_QUALITY_FULL_HD


async def test_plans_are_set_by_operators_for_open_accounts_and_by_name(world: World) -> None:
    account_id = await world.active()
    for plan_id in ("golden", "extra-member"):
        with refused(ErrorReason.INVALID_FIELD, "plan_id"):
            await set_plan(world, account_id, plan_id)
    with refused(ErrorReason.NOT_FOUND):
        await set_plan(world, new_id(), "basic")
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await set_plan(world, account_id, "basic", caller="gateway")
    pending = (await world.create(email=CAROL)).account_id
    with refused(ErrorReason.STATE_CONFLICT):
        await set_plan(world, pending, "basic")
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    with refused(ErrorReason.STATE_CONFLICT):
        await set_plan(world, account_id, "basic")

"""An account on hold plays nothing, and its owner is warned of a stolen password all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.devstack.device import Person
from tests.contract.gateway import member_world
from tests.contract.gateway.gateway_world import ABROAD, THIRD_PLACE, Household, World, laptop_fields, phone_fields

NEW, STOPPED = "A new device signed in", "We stopped a sign-in"
Warn = Callable[[World, Person], Awaitable[None]]


async def _new_device(world: World, owner: Person) -> None:
    answer = await world.device("Grandmother's phone", THIRD_PLACE, **phone_fields()).sign_in(owner)
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED
    assert "Grandmother's phone" in await world.mail(owner.email, NEW)


async def _stopped(world: World, owner: Person) -> None:
    thief = world.device("Unknown laptop", ABROAD, "BR", **laptop_fields())
    assert (await thief.sign_in(owner)).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert "Unknown laptop" in await world.mail(owner.email, STOPPED)


@pytest.mark.parametrize("warn", [_new_device, _stopped])
async def test_an_owner_hears_of_sign_ins_while_the_account_is_on_hold(
    home: Household, world: World, warn: Warn
) -> None:
    await home.set_state(identity_pb.ACCOUNT_STATE_ON_HOLD)
    await warn(world, home.owner)


@pytest.mark.parametrize("state", [identity_pb.ACCOUNT_STATE_ON_HOLD, identity_pb.ACCOUNT_STATE_CLOSED])
@pytest.mark.parametrize("warn", [_new_device, _stopped])
async def test_a_member_hears_of_sign_ins_while_the_host_is_on_hold_or_gone(
    home: Household, world: World, warn: Warn, state: identity_pb.AccountState.ValueType
) -> None:
    _, _, ben, _ = await member_world.member(home, world)
    await home.set_state(state)
    await warn(world, ben)


async def test_a_device_that_is_known_is_not_told_of_again_while_on_hold(home: Household, world: World) -> None:
    await home.set_state(identity_pb.ACCOUNT_STATE_ON_HOLD)
    await home.tv.sign_in(home.owner)
    await _new_device(world, home.owner)
    assert [each.subject for each in world.inbox.mails if NEW in each.subject] == [NEW], "of the phone alone"

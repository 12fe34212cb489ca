"""Profiles: adding, and moving to an account of one's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.storage.profiles import begin_move
from services.identity.use_cases.move_profile import move_profile
from tests.contract.identity.identity_world import CutShort, World, new_id, refused


async def own_account(world: World) -> str:
    """A usable account without a profile, for one to move in."""
    move = pb.ProfileMove(source_account_id=new_id(), profile_id=new_id())
    return await world.active(email=f"{new_id()}@example.com", profile_name="", profile_move=move)


async def test_a_profile_is_added_and_the_same_request_id_gives_the_same_one(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    first = await world.profile(account_id, "  Bea ", request_id=request_id)
    assert (first.name, first.maturity_age, first.primary, first.kids) == ("Bea", 16, False, False)
    assert await world.profile(account_id, "Bea", request_id=request_id) == first
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await world.profile(account_id, "Cem", request_id=request_id)
    assert [profile.name for profile in await world.profiles(account_id)] == ["Ada", "Bea"]


async def test_an_account_has_five_profiles_at_most_however_many_are_added_at_once(world: World) -> None:
    account_id = await world.active()
    answers = await asyncio.gather(*(world.profile(account_id) for _ in range(8)), return_exceptions=True)
    errors = [answer.reason for answer in answers if isinstance(answer, ServiceError)]
    assert errors == [ErrorReason.LIMIT_EXCEEDED] * 4
    assert len(await world.profiles(account_id)) == 5


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", " "), ("name", "n" * 41), ("name", "a\nb"), ("maturity_age", 19)]
)
async def test_bad_input_names_its_field(world: World, field: str, value: Any) -> None:
    account_id = await world.active()
    with refused(ErrorReason.INVALID_FIELD, field):
        await world.profile(account_id, **{field: value})


async def test_no_profile_is_added_to_an_unknown_or_pending_account(world: World) -> None:
    for account_id in (new_id(), (await world.create()).account_id):
        with refused(ErrorReason.NOT_FOUND):
            await world.profile(account_id)


async def test_a_moved_profile_keeps_its_id_and_is_the_owners_own_in_its_new_account(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    moved = await world.move(source, profile.profile_id, target)
    assert (moved.profile_id, moved.account_id, moved.primary) == (profile.profile_id, target, True)
    assert (moved.name, moved.maturity_age) == (profile.name, profile.maturity_age)
    assert [each.profile_id for each in await world.profiles(target)] == [profile.profile_id]
    assert [each.name for each in await world.profiles(source)] == ["Ada"]


async def test_a_moved_profile_is_no_owners_own_where_there_is_one(world: World) -> None:
    source, target = await world.active(), await world.active(email="bob@example.com", profile_name="Bob")
    profile = await world.profile(source)
    assert not (await world.move(source, profile.profile_id, target)).primary


async def test_moving_again_is_harmless(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    first = await world.move(source, profile.profile_id, target)
    assert await world.move(source, profile.profile_id, target) == first
    assert len(await world.profiles(target)) == 1


async def test_a_dry_run_moves_nothing_and_needs_no_target_yet(world: World) -> None:
    source = await world.active()
    profile = await world.profile(source)
    target = new_id()
    seen = await world.move(source, profile.profile_id, target, dry_run=True)
    assert (seen.account_id, seen.primary) == (target, True)
    assert len(await world.profiles(source)) == 2
    primary = (await world.profiles(source))[0]
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(source, primary.profile_id, target, dry_run=True)


async def test_the_owners_profile_and_a_kids_profile_stay(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    kids = await world.profile(source, "Kim", kids=True, maturity_age=6)
    primary = (await world.profiles(source))[0]
    for profile in (kids, primary):
        with refused(ErrorReason.STATE_CONFLICT):
            await world.move(source, profile.profile_id, target)
    assert await world.profiles(target) == []


async def test_unknown_profiles_and_targets_are_not_found(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    for arguments in ((source, new_id(), target), (new_id(), profile.profile_id, target)):
        with refused(ErrorReason.NOT_FOUND):
            await world.move(*arguments)
    with refused(ErrorReason.NOT_FOUND):
        await world.move(source, profile.profile_id, new_id())
    with refused(ErrorReason.INVALID_FIELD, "target_account_id"):
        await world.move(source, profile.profile_id, source)


async def test_no_profile_moves_into_a_pending_account(world: World) -> None:
    source = await world.active()
    profile = await world.profile(source)
    pending = await world.create(email="bob@example.com")
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(source, profile.profile_id, pending.account_id)


async def test_a_profile_that_left_is_not_found_for_another_target(world: World) -> None:
    source, target, other = await world.active(), await own_account(world), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    with refused(ErrorReason.NOT_FOUND):
        await world.move(source, profile.profile_id, other)


async def test_of_moves_to_many_accounts_at_once_one_succeeds(world: World) -> None:
    source = await world.active()
    targets = [await own_account(world) for _ in range(6)]
    profile = await world.profile(source)
    moves = (world.move(source, profile.profile_id, target) for target in targets)
    answers = await asyncio.gather(*moves, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    standing = [len(await world.profiles(target)) for target in targets]
    assert sum(standing) == 1


@pytest.mark.parametrize("statement", ["begin_move", "move_in", "finish_move"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_move_that_was_cut_short_at_any_step_is_completed_by_the_next_call(
    world: World, statement: str, when: str
) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    cut_short: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await move_profile(
            source=UUID(source),
            profile_id=UUID(profile.profile_id),
            target=UUID(target),
            dry_run=False,
            identity=replace(world.identity, database=cut_short),
        )
    moved = await world.move(source, profile.profile_id, target)
    assert (moved.account_id, moved.primary) == (target, True)
    assert [each.name for each in await world.profiles(source)] == ["Ada"]
    assert len(await world.profiles(target)) == 1


async def test_a_second_target_is_refused_once_a_move_has_begun(world: World) -> None:
    source, target, other = await world.active(), await own_account(world), await own_account(world)
    profile = await world.profile(source)
    assert await begin_move(world.identity.database, UUID(source), UUID(profile.profile_id), UUID(target))
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(source, profile.profile_id, other)
    assert (await world.move(source, profile.profile_id, target)).account_id == target

"""PINs of profiles, the owner's yes, and the way back for a profile that moved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import profile_service_pb2 as profile_pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason
from services.identity.use_cases.return_profile import LeftBehind, ReturnProfile, return_profile
from tests.contract.identity.identity_world import CutShort, World, new_id, refused
from tests.contract.identity.test_identity_profiles import own_account

FRESH, CLOSED = profile_pb.LEFT_BEHIND_FRESH_PROFILE, profile_pb.LEFT_BEHIND_CLOSED_IF_EMPTY


async def say(world: World, method: str, request: Any) -> Any:
    """Call an RPC of ProfileService as the gateway."""
    return await call(getattr(world.profile_stubs["gateway"], method), request, timeout=10)


async def set_pin(world: World, account_id: str, profile_id: str, pin: str) -> pb.Profile:
    """Lock a profile; an empty PIN unlocks it."""
    request = profile_pb.SetProfilePinRequest(account_id=account_id, profile_id=profile_id, pin=pin)
    profile: pb.Profile = (await say(world, "SetProfilePin", request)).profile
    return profile


async def check(world: World, account_id: str, profile_id: str, pin: str) -> profile_pb.CheckProfilePinResponse:
    """Try a PIN."""
    request = profile_pb.CheckProfilePinRequest(account_id=account_id, profile_id=profile_id, pin=pin)
    answer: profile_pb.CheckProfilePinResponse = await say(world, "CheckProfilePin", request)
    return answer


async def move(world: World, source: str, profile_id: str, target: str, **fields: Any) -> pb.Profile:
    """Move a profile with the owner's yes."""
    request = pb.MoveProfileRequest(
        source_account_id=source, profile_id=profile_id, target_account_id=target, owner_agreed=True, **fields
    )
    profile: pb.Profile = (await world.say("MoveProfile", request)).profile
    return profile


def returning(source: str, profile_id: str, target: str, **fields: Any) -> profile_pb.ReturnProfileRequest:
    """Bring a profile back."""
    values: dict[str, Any] = {
        "left_behind": FRESH,
        "fresh_profile_id": str(UUID(int=UUID(profile_id).int ^ 1)),
    } | fields
    return profile_pb.ReturnProfileRequest(
        source_account_id=source, profile_id=profile_id, target_account_id=target, **values
    )


async def test_a_locked_profile_says_so_wherever_it_is_read_and_its_pin_is_hashed(world: World) -> None:
    account_id = await world.active()
    profile = await world.profile(account_id)
    assert (await set_pin(world, account_id, profile.profile_id, "471100")).pin_locked
    assert [each.pin_locked for each in await world.profiles(account_id)] == [False, True]
    kept = await world.identity.database.fetch_value("select pin_hash from profile_pin")
    assert kept.startswith("$argon2id$")
    assert not (await set_pin(world, account_id, profile.profile_id, "")).pin_locked


@pytest.mark.parametrize("pin", ["123", "123456789", "12 34", "abcd"])
async def test_a_pin_is_four_to_eight_digits(world: World, pin: str) -> None:
    account_id = await world.active()
    profile = await world.profile(account_id)
    with refused(ErrorReason.INVALID_FIELD, "pin"):
        await set_pin(world, account_id, profile.profile_id, pin)


async def test_of_many_guesses_at_once_five_are_compared(world: World) -> None:
    account_id = await world.active()
    profile_id = (await world.profile(account_id)).profile_id
    await set_pin(world, account_id, profile_id, "4711")
    before = world.hasher.verifications
    guesses = (check(world, account_id, profile_id, f"{each:04}") for each in range(12))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert world.hasher.verifications - before == 5
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 5
    with refused(ErrorReason.LIMIT_EXCEEDED):
        await check(world, account_id, profile_id, "4711")
    world.clock.advance(timedelta(minutes=15))
    assert (await check(world, account_id, profile_id, "4711")).right
    assert (await check(world, account_id, profile_id, "0000")).attempts_left == 4, "a right PIN gives all back"


async def test_with_the_owners_yes_a_kids_and_a_locked_profile_leave_and_the_pin_stays(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    kids, locked = await world.profile(source, "Kim", kids=True, maturity_age=6), await world.profile(source)
    await set_pin(world, source, locked.profile_id, "4711")
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(source, locked.profile_id, target)
    moved = await move(world, source, locked.profile_id, target)
    assert (moved.primary, moved.pin_locked) == (True, False)
    assert not (await move(world, source, kids.profile_id, target)).primary
    primary = (await world.profiles(source))[0]
    with refused(ErrorReason.STATE_CONFLICT):
        await move(world, source, primary.profile_id, target)


async def test_a_returned_profile_leaves_a_fresh_one_of_its_name_and_finds_its_pin_again(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await set_pin(world, source, profile.profile_id, "4711")
    await move(world, source, profile.profile_id, target)
    for _ in range(2):
        answer = await say(world, "ReturnProfile", returning(source, profile.profile_id, target))
        assert (answer.profile.account_id, answer.profile.primary, answer.closed) == (source, False, False)
    assert answer.profile.pin_locked
    (fresh,) = await world.profiles(target)
    assert (fresh.name, fresh.primary) == (profile.name, True)
    assert fresh.profile_id != profile.profile_id
    assert len(await world.profiles(source)) == 2


async def test_an_account_with_nothing_else_in_it_is_closed_and_its_sessions_end(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    opened = await world.open(target)
    answer = await say(world, "ReturnProfile", returning(source, profile.profile_id, target, left_behind=CLOSED))
    assert answer.closed
    request = pb.ResolveSessionRequest(session_token=opened.tokens.session_token)
    resolved = await world.say("ResolveSession", request)
    assert resolved.session.end_reason == pb.SESSION_END_REASON_MOVED_BACK
    assert resolved.account.state == pb.ACCOUNT_STATE_CLOSED
    assert (await say(world, "ReturnProfile", returning(source, profile.profile_id, target, left_behind=CLOSED))).closed


@pytest.mark.parametrize("fate", ["untouched", "locked", "with another"])
async def test_a_childs_account_closes_with_the_spare_profile_of_its_owner_alone(world: World, fate: str) -> None:
    source = await world.active()
    kim = await world.profile(source, "Kim", kids=True, maturity_age=6)
    coming = pb.ProfileMove(source_account_id=source, profile_id=kim.profile_id)
    target = await world.active(email="karin@example.com", profile_name="Karin", profile_move=coming)
    await move(world, source, kim.profile_id, target)
    karin, arrived = await world.profiles(target)
    assert (karin.name, karin.primary, arrived.primary, arrived.kids) == ("Karin", True, False, True)
    if fate == "locked":
        await set_pin(world, target, karin.profile_id, "4711")
    if fate == "with another":
        await world.profile(target, "Mia")
    request = returning(source, kim.profile_id, target, left_behind=CLOSED, spare_profile_id=karin.profile_id)
    for _ in range(2):
        answer = await say(world, "ReturnProfile", request)
        assert answer.closed == (fate == "untouched")
    if fate != "untouched":
        assert {"Karin", "Kim"} <= {each.name for each in await world.profiles(target)}


async def test_a_straggling_move_does_not_take_a_returned_profile_away_again(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    await say(world, "ReturnProfile", returning(source, profile.profile_id, target))
    with refused(ErrorReason.STATE_CONFLICT):
        await world.move(source, profile.profile_id, target)
    other = await own_account(world)
    assert (await world.move(source, profile.profile_id, other)).account_id == other


async def test_a_late_repeat_of_a_return_does_not_stop_the_next_move(world: World) -> None:
    source, target, other = await world.active(), await own_account(world), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    request = returning(source, profile.profile_id, target)
    await say(world, "ReturnProfile", request)
    await world.move(source, profile.profile_id, other)
    with refused(ErrorReason.NOT_FOUND):
        await say(world, "ReturnProfile", request)
    assert len(await world.profiles(other)) == 1


async def test_a_dry_run_tells_of_a_full_account_and_the_return_itself_finds_room(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    for number in range(4):
        await world.profile(source, f"Other {number}")
    with refused(ErrorReason.STATE_CONFLICT):
        await say(world, "ReturnProfile", returning(source, profile.profile_id, target, dry_run=True))
    assert len(await world.profiles(target)) == 1
    await say(world, "ReturnProfile", returning(source, profile.profile_id, target))
    assert len(await world.profiles(source)) == 6


async def test_a_closed_target_gives_the_profile_back_and_has_a_fresh_one_when_it_is_opened(world: World) -> None:
    """Closed for its erasure: the viewer's, and not the owner's, to decide upon."""
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    await world.set_state(target, pb.ACCOUNT_STATE_CLOSED)
    with refused(ErrorReason.STATE_CONFLICT):
        request = returning(source, profile.profile_id, target, left_behind=CLOSED, dry_run=True)
        await say(world, "ReturnProfile", request)
    for dry_run in (True, False):
        await say(world, "ReturnProfile", returning(source, profile.profile_id, target, dry_run=dry_run))
    assert profile.profile_id in {each.profile_id for each in await world.profiles(source)}
    await world.set_state(target, pb.ACCOUNT_STATE_ACTIVE)
    ((name, primary),) = [(each.name, each.primary) for each in await world.profiles(target)]
    assert (name, primary) == (profile.name, True)


async def test_a_closed_source_keeps_what_never_left_and_takes_nothing_back(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    stayed, left = await world.profile(source), await world.profile(source, "Carl")
    await world.move(source, left.profile_id, target)
    await world.set_state(source, pb.ACCOUNT_STATE_CLOSED)
    with refused(ErrorReason.STATE_CONFLICT):
        await say(world, "ReturnProfile", returning(source, left.profile_id, target))
    answer = await say(world, "ReturnProfile", returning(source, stayed.profile_id, target))
    assert answer.profile.account_id == source
    assert stayed.name in {each.name for each in await world.profiles(target)}, "a fresh one in its stead"


async def test_what_never_left_or_is_unknown_is_not_found(world: World) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    for profile_id in (profile.profile_id, new_id()):
        with refused(ErrorReason.NOT_FOUND):
            await say(world, "ReturnProfile", returning(source, profile_id, target, dry_run=True))


@pytest.mark.parametrize("statement", ["take_home", "go_home", "insert_fresh"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_return_that_was_cut_short_at_any_step_is_completed_by_the_next_call(
    world: World, statement: str, when: str
) -> None:
    source, target = await world.active(), await own_account(world)
    profile = await world.profile(source)
    await world.move(source, profile.profile_id, target)
    request = returning(source, profile.profile_id, target)
    cut_short: Any = CutShort(world.identity.database, f"identity.{statement}", after=when == "after")
    command = ReturnProfile(
        source=UUID(source),
        profile_id=UUID(profile.profile_id),
        target=UUID(target),
        left_behind=LeftBehind.FRESH_PROFILE,
        fresh_profile_id=UUID(request.fresh_profile_id),
        dry_run=False,
    )
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await return_profile(command, identity=replace(world.identity, database=cut_short))
    await say(world, "ReturnProfile", request)
    assert {each.name for each in await world.profiles(source)} == {"Ada", profile.name}
    assert [each.profile_id for each in await world.profiles(target)] == [request.fresh_profile_id]

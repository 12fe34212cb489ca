"""ProtectionService: demanded resets, and what a password buys while one stands; SetPassword with the current one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import protection_service_pb2 as protection_pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason
from tests.contract.identity.identity_world import EMAIL, PASSWORD, World, new_id, refused

OTHER = "another long and private phrase"
LIVE, ENDED = pb.SESSION_STATE_LIVE, pb.SESSION_STATE_ENDED


async def demand(
    world: World, account_id: str, *, request_id: str = "", caller: str = "gateway", **fields: Any
) -> protection_pb.DemandPasswordResetResponse:
    """Demand a reset; without a request id, anew."""
    values: dict[str, Any] = {"account_id": account_id, "reason": protection_pb.RESET_DEMAND_REASON_NOT_ME} | fields
    request = protection_pb.DemandPasswordResetRequest(request_id=request_id or new_id(), **values)
    answer: protection_pb.DemandPasswordResetResponse = await call(
        world.protection[caller].DemandPasswordReset, request, timeout=10
    )
    return answer


async def authenticated(world: World, password: str = PASSWORD) -> pb.AuthenticateResponse:
    """The answer to a right password."""
    answer: pb.AuthenticateResponse = await world.say(
        "Authenticate", pb.AuthenticateRequest(email=EMAIL, password=password)
    )
    return answer


async def set_password(world: World, account_id: str, password: str = OTHER, **fields: Any) -> int:
    """Set a password; how many sessions ended."""
    request = pb.SetPasswordRequest(account_id=account_id, password=password, **fields)
    ended: int = (await world.say("SetPassword", request)).ended_count
    return ended


async def test_a_demand_shows_to_whoever_knows_the_password_and_goes_with_a_new_one(world: World) -> None:
    account_id = await world.active()
    assert not (await authenticated(world)).reset_required
    answer = await demand(world, account_id)
    assert not answer.settled
    assert (await authenticated(world)).reset_required
    await set_password(world, account_id)
    assert not (await authenticated(world, OTHER)).reset_required


async def test_a_demand_between_check_and_session_opens_nothing(world: World) -> None:
    account_id = await world.active()
    checked = await authenticated(world)
    await demand(world, account_id)
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.open(account_id, credential_version=checked.credential_version)


async def test_a_demand_ends_every_session_but_those_of_the_devices_that_are_kept(world: World) -> None:
    account_id = await world.active()
    tv, phone, laptop = [await world.open(account_id, device_id) for device_id in ("tv", "phone", "laptop")]
    answer = await demand(world, account_id, keep_device_ids=["tv", "laptop", "nobodys"])
    assert answer.ended_count == 1
    assert [(await world.fate(each.tokens))[0] for each in (tv, phone, laptop)] == [LIVE, ENDED, LIVE]


async def test_the_same_demand_counts_once_also_after_it_was_settled(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    await demand(world, account_id, request_id=request_id)
    again = await demand(world, account_id, request_id=request_id)
    assert (again.settled, again.ended_count) == (False, 0)
    await set_password(world, account_id)
    opened = await world.open(account_id)
    late = await demand(world, account_id, request_id=request_id)
    assert (late.settled, late.ended_count) == (True, 0)
    assert (await world.fate(opened.tokens))[0] == LIVE
    assert not (await authenticated(world, OTHER)).reset_required
    assert not (await demand(world, account_id)).settled, "another demand is another one"


async def test_while_a_reset_is_demanded_the_old_password_is_no_new_one(world: World) -> None:
    account_id = await world.active()
    await set_password(world, account_id, PASSWORD)
    await demand(world, account_id)
    with refused(ErrorReason.INVALID_FIELD, "password"):
        await set_password(world, account_id, PASSWORD)
    assert (await authenticated(world)).reset_required
    await set_password(world, account_id, OTHER)


async def test_support_staff_may_demand_a_reset_and_others_may_not(world: World) -> None:
    account_id = await world.active()
    await demand(world, account_id, caller="operator", reason=protection_pb.RESET_DEMAND_REASON_BY_OPERATOR)
    assert (await authenticated(world)).reset_required
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await demand(world, account_id, caller="challenge")


async def test_an_account_that_is_not_there_or_closed_has_nothing_to_demand(world: World) -> None:
    closed = await world.active()
    await world.set_state(closed, pb.ACCOUNT_STATE_CLOSED)
    for account_id in (new_id(), closed):
        with refused(ErrorReason.NOT_FOUND):
            await demand(world, account_id)


async def test_unknown_and_known_addresses_cost_the_same_statements_and_one_check(world: World) -> None:
    account_id = await world.active()
    await demand(world, account_id)
    for email in (EMAIL, "nobody@example.com"):
        before = world.hasher.verifications
        with refused(ErrorReason.CREDENTIALS_REJECTED):
            await world.authenticate(email, "wrong")
        assert world.hasher.verifications == before + 1


async def test_the_current_password_vouches_and_one_session_stays(world: World) -> None:
    account_id = await world.active()
    tv, phone = [await world.open(account_id, device_id) for device_id in ("tv", "phone")]
    ended = await set_password(world, account_id, current_password=PASSWORD, except_session_id=tv.session.session_id)
    assert ended == 1
    assert await world.fate(tv.tokens) == (LIVE, pb.SESSION_END_REASON_UNSPECIFIED)
    assert await world.fate(phone.tokens) == (ENDED, pb.SESSION_END_REASON_PASSWORD_CHANGED)
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate()
    await authenticated(world, OTHER)


async def test_a_wrong_current_password_sets_nothing(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id)
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await set_password(world, account_id, current_password="not the one")
    assert (await world.fate(opened.tokens))[0] == LIVE
    await authenticated(world)


async def test_a_repeated_change_changes_nothing_more(world: World) -> None:
    account_id = await world.active()
    await set_password(world, account_id, current_password=PASSWORD)
    before = (await authenticated(world, OTHER)).credential_version
    world.clock.advance(timedelta(seconds=5))
    opened = await world.open(account_id)
    assert await set_password(world, account_id, current_password=PASSWORD) == 0
    assert (await authenticated(world, OTHER)).credential_version == before
    assert (await world.fate(opened.tokens))[0] == LIVE


async def test_of_two_changes_from_one_password_one_counts(world: World) -> None:
    account_id = await world.active()
    world.clock.advance(timedelta(seconds=5))
    changes = [set_password(world, account_id, f"{OTHER} {n}", current_password=PASSWORD) for n in range(4)]
    answers = await asyncio.gather(*changes, return_exceptions=True)
    assert [each for each in answers if not isinstance(each, Exception)] == [0]


@pytest.mark.parametrize("device_id", ["", "a b", "x" * 129])
async def test_devices_to_be_kept_are_named_in_their_form(world: World, device_id: str) -> None:
    with refused(ErrorReason.INVALID_FIELD):
        await demand(world, await world.active(), keep_device_ids=[device_id])

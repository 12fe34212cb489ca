"""A gateway that dies on the way to an own account, or on the way back: another one finishes what it began."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import grpc
import pytest

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from services.gateway.clients.conversions import client as client_of
from services.gateway.domain import own_account as rules
from services.gateway.domain.own_account import BACKWARD, FORWARD, Step
from services.gateway.use_cases.own_account_steps import seal_client, take_step
from tests.contract.gateway.dying_gateway import DEATH
from tests.contract.gateway.gateway_world import Household, World, asked_by, failure
from tests.contract.gateway.member_world import list_members
from tests.contract.gateway.own_account_world import (
    LISTED,
    SEEN,
    DyingGateway,
    Leaver,
    acceptance,
    creation,
    dying_gateway,
    hand_over,
    invited_leaver,
    lease_ends,
    leaver,
    my_list,
    viewer,
    whereabouts,
)

ON_THE_WAY = ["PROVE done", "PROVE kept", *(f"{step} {what}" for step in FORWARD for what in ("done", "kept"))]
ON_THE_WAY_BACK = ["UNDO kept", *(f"{step} {what}" for step in BACKWARD for what in ("done", "kept"))]


@pytest.mark.parametrize("die_after", ON_THE_WAY)
async def test_a_move_is_finished_after_its_gateway_died_at_any_step(
    home: Household, world: World, die_after: str
) -> None:
    """Nobody asks again until all is over; then the viewer's own repeat gets tokens."""
    ben = await leaver(home, world)
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    async with dying_gateway(world, die_after) as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(ben.completion())
        assert await gateway.died() == DEATH
    lease_ends(world)
    await ben.until("DONE")
    await _has_left(ben)


async def test_a_gateway_that_dies_before_the_code_is_redeemed_has_begun_nothing(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    async with dying_gateway(world, "ENTER kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(ben.completion())
        await gateway.died()
    lease_ends(world)

    async def looked() -> bool:
        return (await ben.kept()).next_try_time is None

    await world.eventually(looked)
    assert (await whereabouts(world, ben.profile_id)).profile == {home.account_id}
    await _has_left(ben)


@pytest.mark.parametrize("die_after", ON_THE_WAY)
async def test_a_member_who_brings_a_profile_along_arrives_after_a_death_at_any_step(
    home: Household, world: World, die_after: str
) -> None:
    """The place is taken once, the profile moves once, and the member plays on the host's plan."""
    ben = await invited_leaver(home, world)
    async with dying_gateway(world, die_after) as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(ben.completion())
        assert await gateway.died() == DEATH
    lease_ends(world)
    await ben.until("DONE")
    await _has_left(ben)
    listed = await list_members(home)
    assert [each.state for each in listed.members] == [member_pb.MEMBER_STATE_ACTIVE]


@pytest.mark.parametrize("how", ["own account", "invitation"])
async def test_a_death_before_the_own_account_is_kept_leaves_nothing_that_asking_again_does_not_mend(
    home: Household, world: World, how: str
) -> None:
    """The proof stands and its code is mailed, but nobody knows yet that a profile is to move."""
    device = await viewer(home, world)
    request = creation(device) if how == "own account" else await acceptance(home, world, device)

    def ask(gateway: DyingGateway | World) -> Awaitable[Any]:
        if isinstance(request, account_pb.CreateOwnAccountRequest):
            return gateway.accounts.CreateOwnAccount(request)
        return gateway.members.AcceptInvitation(request)

    async with dying_gateway(world, "SIGN_UP kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(gateway)
        assert await gateway.died() == DEATH
    proof_id = await world.databases["gateway"].fetch_value(
        "select proof_id from proof where source_account_id is not null"
    )
    ben = await hand_over(home, device, request, str(proof_id))
    assert (await failure(ben.complete())).reason == "STATE_CONFLICT", "nothing moves that was not kept"
    assert (await whereabouts(world, ben.profile_id)).profile == {home.account_id}
    begun = await ask(world)
    assert begun.sign_up_id == ben.sign_up_id
    await _has_left(ben)
    mails = [each for each in world.inbox.mails if ben.person.email in each.recipients]
    assert len([each for each in mails if ben.code in each.text]) == 1, "one code"


@pytest.mark.parametrize("die_after", ON_THE_WAY_BACK)
async def test_an_undoing_is_finished_after_its_gateway_died_at_any_step(
    home: Household, world: World, die_after: str
) -> None:
    ben = await leaver(home, world)
    answer = await ben.complete()
    async with dying_gateway(world, die_after) as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.own_accounts.UndoOwnAccount(ben.undoing(home.tv))
        assert await gateway.died() == DEATH
    lease_ends(world)
    await ben.until("UNDONE")
    found = await whereabouts(world, ben.profile_id, "own_account_undone")
    assert found.profile == {home.account_id}
    assert (found.seen, found.listed) == ({home.account_id: set(SEEN)}, {home.account_id: set(LISTED)})
    assert found.notices == 2, "one to each owner"
    assert answer.account_id != home.account_id
    assert {each.name for each in (await home.tv.sign_in(home.owner)).profiles} == {"Ada", "Ben"}


async def test_a_profile_that_was_locked_on_the_way_stays_and_the_viewer_has_an_account_all_the_same(
    home: Household, world: World
) -> None:
    """The move is called off: nobody asked for its undoing, and nobody was told that it had happened."""
    ben = await leaver(home, world)
    async with dying_gateway(world, "CONFIRM kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(ben.completion())
        await gateway.died()
    lock = profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=ben.profile_id, pin="4711")
    await world.profiles.SetProfilePin(lock)
    lease_ends(world)
    await ben.until("UNDONE")
    answer = await ben.complete()
    ((name, profile_id),) = [(each.name, each.profile_id) for each in answer.profiles]
    assert name == "Ben"
    assert profile_id != ben.profile_id
    ben.device.profile_id = profile_id
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    found = await whereabouts(world, ben.profile_id)
    assert (found.profile, found.notices) == ({home.account_id}, 0)
    assert (found.seen, found.listed) == ({home.account_id: set(SEEN)}, {home.account_id: set(LISTED)})


async def test_a_move_that_is_called_off_ends_though_the_account_was_closed_meanwhile(
    home: Household, world: World
) -> None:
    """The profile never left, so that nothing has to go back into a closed account."""
    ben = await leaver(home, world)
    async with dying_gateway(world, "CONFIRM kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(ben.completion())
        await gateway.died()
    lock = profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=ben.profile_id, pin="4711")
    await world.profiles.SetProfilePin(lock)
    await home.set_state(identity_pb.ACCOUNT_STATE_CLOSED)
    lease_ends(world)
    await ben.until("UNDONE")
    answer = await ben.complete()
    assert [each.name for each in answer.profiles] == ["Ben"]
    assert (await whereabouts(world, ben.profile_id)).profile == {home.account_id}


async def test_an_undoing_rests_at_once_where_the_account_it_goes_back_to_was_closed(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    async with dying_gateway(world, "UNDO kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.own_accounts.UndoOwnAccount(ben.undoing(ben.device))
        await gateway.died()
    await home.set_state(identity_pb.ACCOUNT_STATE_CLOSED)
    lease_ends(world)
    stalled = own_pb.ListStalledOwnAccountsRequest()

    async def resting() -> list[own_pb.StalledOwnAccount]:
        return list((await world.own_accounts_as_operator.ListStalledOwnAccounts(stalled)).own_accounts)

    (found,) = await world.eventually(resting)
    assert (found.step, found.failure) == ("RETURN_PROFILE", "STATE_CONFLICT")
    assert (await failure(ben.undo(ben.device))).reason == "STATE_CONFLICT"
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED, "the viewer has all that they had"
    await home.set_state(identity_pb.ACCOUNT_STATE_ACTIVE)
    assert (await ben.undo(ben.device)).state == own_pb.OWN_ACCOUNT_STATE_UNDONE
    assert (await whereabouts(world, ben.profile_id)).profile == {home.account_id}
    assert await resting() == []


async def test_without_a_saga_a_crash_leaves_half_a_move(home: Household, world: World) -> None:
    """The negative control: the same steps, taken once and kept nowhere, and nobody who takes them up."""
    ben = await leaver(home, world)
    sealed = seal_client(world.gateway, ben.own_account_id, client_of(ben.device.context()))
    own = replace(await ben.kept(), client=sealed)
    own = rules.begun(own, world.clock.now(), world.gateway.own_accounts)
    while own.step is not Step.LEAVE:  # Here the process ends.
        await take_step(world.gateway, own)
        own = rules.advanced(own, world.clock.now(), world.gateway.own_accounts)
    lease_ends(world)
    # A worker has looked, and there was nothing for it to find: another move that began after is over.
    other = await leaver(await world.household(name="Olga"), world)
    async with dying_gateway(world, "PROVE kept") as gateway:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.accounts.CompleteSignUp(other.completion())
        await gateway.died()
    lease_ends(world)
    await other.until("DONE")
    found = await whereabouts(world, ben.profile_id)
    assert found.profile == {str(own.target_account_id)}, "the profile has left"
    assert found.seen == {home.account_id: set(SEEN)}, "and all that was watched on it has not"
    assert found.listed == {home.account_id: set(LISTED)}


async def _has_left(ben: Leaver) -> None:
    """One account, one profile, all of its history and list, one notice; and the device that was refused plays."""
    home, world = ben.home, ben.world
    old_token = ben.device.session_token
    answer = await ben.complete()
    found = await whereabouts(world, ben.profile_id)
    own = answer.account_id
    assert own != home.account_id
    assert found.profile == {own}
    assert (found.seen, found.listed) == ({own: set(SEEN)}, {own: set(LISTED)})
    assert found.accounts == 2, "the household's and the own one"
    assert found.notices == 1
    await world.mail(home.owner.email, "made an account of their own")
    started = await ben.device.play("film")
    assert started.outcome == decision_pb.OUTCOME_ALLOWED
    assert started.reasons[0].code == decision_pb.REASON_CODE_HOUSEHOLD
    assert await my_list(world, ben.device) == set(LISTED)
    new_token, ben.device.session_token, ben.device.profile_id = ben.device.session_token, old_token, home.profile_id
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_DENIED
    ben.device.session_token, ben.device.profile_id = new_token, ben.profile_id

"""An own account is undone within its time, by either side; and what happens at the edges."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from uuid import UUID

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from tests.contract.gateway.erasing_world import LONG, finish, work
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure, once
from tests.contract.gateway.own_account_world import (
    LISTED,
    SEEN,
    Leaver,
    begin,
    change_list,
    leaver,
    my_list,
    whereabouts,
)
from tests.contract.gateway.titles import watched

UNDONE = pb.OWN_ACCOUNT_STATE_UNDONE


async def test_both_sides_see_who_left_and_until_when_it_can_be_undone(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    for device, left_from_here in ((home.tv, True), (ben.device, False)):
        listed = await world.own_accounts.ListOwnAccounts(pb.ListOwnAccountsRequest(**asked_by(device)))
        (own,) = listed.own_accounts
        assert (own.profile_name, own.state, own.left_from_here) == ("Ben", pb.OWN_ACCOUNT_STATE_DONE, left_from_here)
        assert own.undo_expire_time.ToDatetime(tzinfo=UTC) == world.clock.now() + timedelta(days=14)
    guest = await home.signed_in("Guest's TV", ELSEWHERE)
    refused = await failure(world.own_accounts.ListOwnAccounts(pb.ListOwnAccountsRequest(**asked_by(guest))))
    assert refused.reason == "DEVICE_NOT_TRUSTED"


async def test_the_viewer_comes_back_with_all_that_was_watched_meanwhile(home: Household, world: World) -> None:
    """Nothing else is in the own account, so it is closed; the device is asked in its old account as it was before."""
    ben = await leaver(home, world)
    own = await ben.complete()
    await watched(world, ben.device, "film-meanwhile")
    await change_list(world, ben.device, add=("film-new",), remove=LISTED[:1])
    stream = (await ben.device.play("film")).stream
    assert (await ben.undo(ben.device)).state == UNDONE
    found = await whereabouts(world, ben.profile_id, "own_account_undone")
    assert found.profile == {home.account_id}
    assert found.seen == {home.account_id: {*SEEN, "film-meanwhile"}}
    assert found.listed == {home.account_id: {"film-new", *LISTED[1:]}}
    assert (found.accounts, found.notices) == (1, 2)
    for address in (home.owner.email, ben.person.email):
        await world.mail(address, "went back")
    assert (await failure(ben.device.play("film"))).reason == "NOT_FOUND", "there is no such profile any more"
    assert (await ben.device.renew(stream)).outcome == decision_pb.OUTCOME_DENIED
    assert (await failure(ben.device.sign_in(ben.person))).reason == "CREDENTIALS_REJECTED"
    await ben.device.sign_in(home.owner)
    started = await ben.device.play("film")
    assert started.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED, "unconfirmed, as before, and no member"
    assert own.account_id != home.account_id


async def test_the_owner_takes_the_profile_back_and_the_viewer_is_not_left_without(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    own = await ben.complete()
    assert (await ben.undo(home.tv)).state == UNDONE
    found = await whereabouts(world, ben.profile_id)
    assert found.profile == {home.account_id}
    assert (found.seen, found.listed) == ({home.account_id: set(SEEN)}, {home.account_id: set(LISTED)})
    assert {each.name for each in (await home.tv.sign_in(home.owner)).profiles} == {"Ada", "Ben"}
    answer = await ben.device.sign_in(ben.person)
    ((name, primary, profile_id),) = [(each.name, each.primary, each.profile_id) for each in answer.profiles]
    assert (name, primary) == ("Ben", True)
    assert profile_id != ben.profile_id
    ben.device.profile_id = profile_id
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    assert await my_list(world, ben.device) == set()
    listed = await world.accounts.ListDevices(account_pb.ListDevicesRequest(**asked_by(home.tv)))
    standings = {each.device.id: each.standing for each in listed.devices}
    assert standings[ben.device.device_id] == standing_pb2.STANDING_UNCONFIRMED
    assert own.account_id not in found.profile


async def test_undoing_twice_and_from_both_sides_at_once_is_undone_once(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    answers = await asyncio.gather(*(ben.undo(home.tv) for _ in range(3)), ben.undo(ben.device), return_exceptions=True)
    assert any(getattr(answer, "state", None) == UNDONE for answer in answers)
    await ben.until("UNDONE")
    assert (await ben.undo(home.tv)).state == UNDONE
    found = await whereabouts(world, ben.profile_id, "own_account_undone")
    assert (found.profile, found.notices) == ({home.account_id}, 2)
    names = [each.name for each in (await home.tv.sign_in(home.owner)).profiles]
    assert sorted(names) == ["Ada", "Ben"]


async def test_after_fourteen_days_it_is_too_late_for_either_side(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    world.clock.advance(timedelta(days=14))
    await home.tv.sign_in(home.owner)
    await ben.device.sign_in(ben.person)
    for device in (home.tv, ben.device):
        assert (await failure(ben.undo(device))).reason == "STATE_CONFLICT"
    listed = await world.own_accounts.ListOwnAccounts(pb.ListOwnAccountsRequest(**asked_by(home.tv)))
    assert listed.own_accounts[0].state == pb.OWN_ACCOUNT_STATE_DONE
    assert len((await whereabouts(world, ben.profile_id)).profile - {home.account_id}) == 1


async def test_nobody_else_can_undo_it(home: Household, world: World) -> None:
    ben, other = await leaver(home, world), await world.household(name="Olga")
    assert (await failure(ben.undo(home.tv))).reason == "STATE_CONFLICT", "it has not happened yet"
    await ben.complete()
    guest = await home.signed_in("Guest's TV", ELSEWHERE)
    assert (await failure(ben.undo(guest))).reason == "DEVICE_NOT_TRUSTED"
    assert (await failure(ben.undo(other.tv))).reason == "NOT_FOUND"
    assert (await whereabouts(world, ben.profile_id)).profile != {home.account_id}


async def test_an_account_that_filled_up_meanwhile_takes_nobody_back_until_there_is_room(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    for name in ("Cleo", "Dan", "Eve", "Flo"):
        await home.add_profile(name)
    for device in (home.tv, ben.device):
        assert (await failure(ben.undo(device))).reason == "STATE_CONFLICT"
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED, "nothing has changed"


@pytest.mark.parametrize("closed", ["source", "target"])
async def test_no_profile_goes_back_from_or_to_a_closed_account(home: Household, world: World, closed: str) -> None:
    ben = await leaver(home, world)
    answer = await ben.complete()
    account_id = home.account_id if closed == "source" else answer.account_id
    request = identity_pb.SetAccountStateRequest(account_id=account_id, state=identity_pb.ACCOUNT_STATE_CLOSED)
    await world.identity_as_operator.SetAccountState(request)
    device = ben.device if closed == "source" else home.tv
    assert (await failure(ben.undo(device))).reason == "STATE_CONFLICT"


async def test_who_erases_the_own_account_does_not_take_the_owners_way_back(home: Household, world: World) -> None:
    """The viewer has the account erased at once; the owner's fourteen days go on, and what is left is erased after."""
    ben = await leaver(home, world)
    answer = await ben.complete()
    erasure = await _erase(ben)
    assert (await ben.undo(home.tv)).state == UNDONE
    found = await whereabouts(world, ben.profile_id, "own_account_undone")
    assert found.profile == {home.account_id}
    assert (found.seen, found.listed) == ({home.account_id: set(SEEN)}, {home.account_id: set(LISTED)})
    assert found.notices == 2, "one to each owner"
    world.clock.advance(timedelta(days=14))
    assert (await finish(world, erasure)).state == privacy_pb.ERASURE_STATE_DONE
    left = await world.databases["identity"].fetch_value(
        "select count(*) from account where account_id = $1", UUID(answer.account_id)
    )
    assert left == 0
    names = {each.name for each in (await home.tv.sign_in(home.owner)).profiles}
    assert names == {"Ada", "Ben"}
    home.tv.profile_id = ben.profile_id
    assert await my_list(world, home.tv) == set(LISTED), "the erasure took nothing of what went back"


async def test_an_erasure_that_is_called_off_after_the_profile_went_back_leaves_a_fresh_one(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    erasure = await _erase(ben)
    await ben.undo(home.tv)
    world.clock.advance(LONG)
    await world.privacy_as_operator.CancelErasure(privacy_pb.CancelErasureRequest(erasure_id=erasure))
    ((name, profile_id),) = [(one.name, one.profile_id) for one in (await ben.device.sign_in(ben.person)).profiles]
    assert (name, profile_id != ben.profile_id) == ("Ben", True)
    ben.device.profile_id = profile_id
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_once_the_own_account_is_being_deleted_there_is_nothing_to_bring_back(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    answer = await ben.complete()
    request = privacy_pb.EraseAccountAsOperatorRequest(account_id=answer.account_id, at_once=True)
    await world.privacy_as_operator.EraseAccountAsOperator(request)
    world.clock.advance(LONG)
    assert await work(world) == 1
    assert (await failure(ben.undo(home.tv))).reason == "STATE_CONFLICT"


async def _erase(ben: Leaver) -> str:
    """Have the own account erased by its viewer; the erasure's id."""
    request = privacy_pb.EraseAccountRequest(**once(ben.device), password=ben.person.password)
    return (await ben.world.privacy.EraseAccount(request)).erasure.erasure_id


async def test_an_own_account_with_others_in_it_stays_open_when_its_viewer_goes_back(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    answer = await ben.complete()
    own = Household(world=world, owner=ben.person, tv=ben.device, account_id=answer.account_id, profile_id="")
    await own.add_profile("Mia")
    assert (await ben.undo(ben.device)).state == UNDONE
    names = {each.name for each in (await ben.device.sign_in(ben.person)).profiles}
    assert names == {"Ben", "Mia"}
    assert (await whereabouts(world, ben.profile_id)).profile == {home.account_id}


async def test_who_went_back_may_leave_again_for_another_account_with_the_same_address(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    await ben.undo(ben.device)
    await ben.device.sign_in(home.owner)
    ben.device.profile_id = ben.profile_id
    again = await begin(home, world, ben.device, email=ben.person.email)
    answer = await again.complete()
    assert (await whereabouts(world, ben.profile_id)).profile == {answer.account_id}
    assert (await ben.device.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_an_undoing_whose_leaf_is_away_goes_on_by_itself(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    await ben.complete()
    await world.stop("download_planning")
    assert (await ben.undo(home.tv)).state == pb.OWN_ACCOUNT_STATE_UNDOING
    await world.start("download_planning")
    await world.back(lambda: my_list(world, home.tv))
    world.clock.advance(timedelta(minutes=1))
    await ben.until("UNDONE")
    assert (await whereabouts(world, ben.profile_id)).seen == {home.account_id: set(SEEN)}


async def test_what_was_given_up_is_listed_for_the_operator_who_takes_it_up_again(
    home: Household, world: World
) -> None:
    ben = await leaver(home, world)
    await world.stop("download_planning")
    assert (await failure(ben.complete())).reason == "DEPENDENCY_UNAVAILABLE"
    stalled = pb.ListStalledOwnAccountsRequest()

    async def given_up() -> list[pb.StalledOwnAccount]:
        world.clock.advance(timedelta(minutes=15))
        return list((await world.own_accounts_as_operator.ListStalledOwnAccounts(stalled)).own_accounts)

    (found,) = await world.eventually(given_up)
    assert (found.step, found.failure) == ("MOVE_HISTORY", "DEPENDENCY_UNAVAILABLE")
    assert (await failure(world.own_accounts.ListStalledOwnAccounts(stalled))).reason == "CALLER_NOT_ALLOWED"
    await world.start("download_planning")
    await home.tv.sign_in(home.owner)
    await world.back(lambda: my_list(world, home.tv))
    retry = pb.RetryOwnAccountRequest(source_account_id=home.account_id, own_account_id=str(ben.own_account_id))
    await world.own_accounts_as_operator.RetryOwnAccount(retry)
    await ben.until("DONE")
    assert (await failure(world.own_accounts_as_operator.RetryOwnAccount(retry))).reason == "NOT_FOUND"


async def test_a_profile_that_was_locked_after_the_code_was_sent_stays(home: Household, world: World) -> None:
    ben = await leaver(home, world)
    lock = profile_pin(home, ben.profile_id)
    await world.profiles.SetProfilePin(lock)
    assert (await failure(ben.complete())).reason == "STATE_CONFLICT"
    found = await whereabouts(world, ben.profile_id)
    assert (found.profile, found.seen) == ({home.account_id}, {home.account_id: set(SEEN)})


def profile_pin(home: Household, profile_id: str, pin: str = "4711") -> profile_pb.SetProfilePinRequest:
    """Lock a profile from the television at home."""
    return profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=profile_id, pin=pin)


@pytest.fixture
def gateway_settings() -> dict[str, int]:
    """Few attempts, so that giving up comes soon."""
    return {"own_account_max_attempts": 3}

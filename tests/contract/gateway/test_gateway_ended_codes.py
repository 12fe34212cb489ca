"""A code lives no longer than the contact that it went to: past no removal and no change, nor in a race with one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import contact_service_pb2 as pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from hearthgate.identity.v1 import contact_service_pb2 as identity_pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as identity_rpc
from libs.devstack.device import Device
from libs.runtime.errors import ErrorReason, ServiceError
from services.gateway.clients.challenge import ChallengeClient
from services.gateway.use_cases import present_contacts
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    PHONE,
    Household,
    World,
    asked_by,
    failure,
    hold_once,
    once,
    phone_fields,
)
from tests.contract.gateway.own_account_world import begin
from tests.contract.gateway.test_gateway_approvers import approver, ask, carl
from tests.contract.gateway.test_gateway_contacts import CONFIRM, change_address, new_address

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
ACCEPTED, EXPIRED = verification_pb.CODE_RESULT_ACCEPTED, verification_pb.CODE_RESULT_EXPIRED
SUPERSEDED = verification_pb.VERIFICATION_STATE_SUPERSEDED
ASKS, CHOOSE, NEW_PASSWORD = "asks to watch", "Choose a new password", "the-thiefs-own-long-words"
OTHER_PHONE = "+4915198765432"


def removal(home: Household, approver_id: str) -> pb.RemoveApproverRequest:
    """The owner's wish that somebody approves nothing any more."""
    return pb.RemoveApproverRequest(**once(home.tv), approver_id=approver_id, password=home.owner.password)


def number_removal(home: Household) -> pb.RemoveContactRequest:
    """The owner's wish to be reached by no texts."""
    return pb.RemoveContactRequest(**once(home.tv), channel=TEXT, password=home.owner.password)


async def submit(device: Device, verification_id: str, code: str) -> int:
    """What a code is answered with."""
    return (await device.submit_code(verification_id, code)).result


async def state(device: Device, world: World, verification_id: str) -> int:
    """How a device's verification stands."""
    request = verification_pb.WatchVerificationRequest(**asked_by(device), verification_id=verification_id)
    watch = world.verification.WatchVerification(request)
    stands: int = (await anext(aiter(watch))).verification.state
    watch.cancel()
    return stands


async def test_a_code_that_went_to_an_approver_is_worth_nothing_after_a_removal(home: Household, world: World) -> None:
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await ask(friend, world, added.approver_id)
    code = await world.code(address, ASKS)
    assert (await world.contacts.RemoveApprover(removal(home, added.approver_id))).removed
    assert await state(friend, world, asked.verification_id) == SUPERSEDED
    assert await submit(friend, asked.verification_id, code) == EXPIRED
    again = await friend.request_verification(EMAIL)
    owners = await world.code(home.owner.email, ASKS)
    assert await submit(friend, again.verification_id, owners) == ACCEPTED


async def test_the_codes_of_the_contacts_that_stay_are_not_touched(home: Household, world: World) -> None:
    first, second = carl(), carl()
    gone, stays = await approver(home, world, first), await approver(home, world, second)
    friend, other = [await home.signed_in(f"{name}'s TV", ELSEWHERE) for name in ("Friend", "Other")]
    asked = await ask(friend, world, stays.approver_id)
    change_id = await home.tv.start_contact_change(TEXT, OTHER_PHONE, home.owner.password)
    at_home = await other.request_verification(standing_pb2.CHANNEL_TRUSTED_DEVICE)
    await world.contacts.RemoveApprover(removal(home, gone.approver_id))
    assert await submit(friend, asked.verification_id, await world.code(second, ASKS)) == ACCEPTED
    await home.tv.complete_contact_change(change_id, await world.text_code(OTHER_PHONE))
    approval = verification_pb.ApproveDeviceRequest(**once(home.tv), verification_id=at_home.verification_id)
    await world.verification.ApproveDevice(approval)


async def test_a_reset_code_at_the_former_address_sets_no_password(home: Household, world: World) -> None:
    thief = world.device("Thief's phone", ELSEWHERE, **phone_fields())
    reset_id = await thief.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email, CHOOSE)
    former, owner = home.owner, await change_address(home, world, new_address())
    assert (await failure(thief.reset_password(reset_id, code, NEW_PASSWORD))).reason == "CREDENTIALS_REJECTED"
    await world.device("Phone").sign_in(owner, former.password)


async def test_a_household_code_at_the_former_address_or_number_lets_nobody_in(home: Household, world: World) -> None:
    devices = [await home.signed_in(f"{name}'s TV", ELSEWHERE) for name in ("Friend", "Other")]
    asked = [await devices[0].request_verification(EMAIL), await devices[1].request_verification(TEXT)]
    codes = [await world.code(home.owner.email, ASKS), await world.text_code(PHONE)]
    await change_address(home, world, new_address())
    assert await submit(devices[0], asked[0].verification_id, codes[0]) == EXPIRED
    change_id = await home.tv.start_contact_change(TEXT, OTHER_PHONE, home.owner.password)
    await home.tv.complete_contact_change(change_id, await world.text_code(OTHER_PHONE))
    assert await submit(devices[1], asked[1].verification_id, codes[1]) == EXPIRED


async def test_a_code_at_a_number_that_was_removed_is_worth_nothing(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TEXT)
    code = await world.text_code(PHONE)
    assert (await world.contacts.RemoveContact(number_removal(home))).removed
    assert await submit(friend, asked.verification_id, code) == EXPIRED


async def test_the_owners_yes_to_a_leaving_profile_must_come_from_where_the_owner_is(
    home: Household, world: World
) -> None:
    kim = await home.signed_in("Kim's phone", ELSEWHERE, **phone_fields())
    kim.profile_id = await home.add_profile("Kim", kids=True)
    wish = own_pb.RequestProfileTransferRequest(**once(kim), profile_id=kim.profile_id, channel=TEXT)
    asked = (await world.own_accounts.RequestProfileTransfer(wish)).verification.verification_id
    code = await world.text_code(PHONE)
    await world.contacts.RemoveContact(number_removal(home))
    refused = await failure(begin(home, world, kim, transfer_verification_id=asked, transfer_code=code))
    assert refused.reason == "CREDENTIALS_REJECTED"


async def test_an_address_that_an_operator_took_back_resets_no_password(home: Household, world: World) -> None:
    """Identity is asked past the gateway there; what is looked at when the code comes back holds."""
    former = home.owner
    thief = world.device("Thief's phone", ELSEWHERE, **phone_fields())
    thiefs = await change_address(home, world, new_address())
    reset_id = await thief.start_password_reset(thiefs.email)
    code = await world.code(thiefs.email, CHOOSE)
    restore = identity_pb.RestoreContactRequest(account_id=home.account_id)
    await identity_rpc.ContactServiceStub(world.channels["operator@identity"]).RestoreContact(restore)
    assert (await failure(thief.reset_password(reset_id, code, NEW_PASSWORD))).reason == "CREDENTIALS_REJECTED"
    await world.device("Phone").sign_in(former)


async def test_a_code_that_was_redeemed_before_the_removal_gives_a_repeat_the_same_answer(
    home: Household, world: World
) -> None:
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await ask(friend, world, added.approver_id)
    request = verification_pb.SubmitCodeRequest(
        **once(friend), verification_id=asked.verification_id, code=await world.code(address, ASKS)
    )
    assert (await world.verification.SubmitCode(request)).result == ACCEPTED
    await world.contacts.RemoveApprover(removal(home, added.approver_id))
    assert (await world.verification.SubmitCode(request)).result == ACCEPTED


async def _removed_while_asking(home: Household, world: World, monkeypatch: pytest.MonkeyPatch) -> int:
    """What a code buys whose destination was chosen before the removal, and which was made after it."""
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    hold = hold_once(monkeypatch, ChallengeClient, "create_challenge")
    asking = asyncio.create_task(ask(friend, world, added.approver_id))
    await hold.held.wait()
    await world.contacts.RemoveApprover(removal(home, added.approver_id))
    hold.release.set()
    return await submit(friend, (await asking).verification_id, await world.code(address, ASKS))


async def test_a_code_that_was_made_in_a_race_with_the_removal_is_not_accepted(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _removed_while_asking(home, world, monkeypatch) == EXPIRED


async def test_without_a_look_at_the_contacts_the_code_of_the_race_would_be_accepted(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: ending what is there is not enough."""
    _do_not_look(monkeypatch)
    assert await _removed_while_asking(home, world, monkeypatch) == ACCEPTED


async def _removed_while_entering(home: Household, world: World, monkeypatch: pytest.MonkeyPatch) -> int:
    """What a code buys that is compared after the removal was answered, with contacts looked up before it."""
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await ask(friend, world, added.approver_id)
    code = await world.code(address, ASKS)
    hold = hold_once(monkeypatch, ChallengeClient, "verify_challenge")
    entering = asyncio.create_task(submit(friend, asked.verification_id, code))
    await hold.held.wait()
    await world.contacts.RemoveApprover(removal(home, added.approver_id))
    hold.release.set()
    return await entering


async def test_a_code_that_is_entered_in_a_race_with_the_removal_is_not_accepted_after_its_answer(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _removed_while_entering(home, world, monkeypatch) == EXPIRED


async def test_without_the_end_of_what_is_there_the_code_of_the_race_would_be_accepted(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: looking at the contacts is not enough."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(ChallengeClient, "end_challenges", nothing)
    assert await _removed_while_entering(home, world, monkeypatch) == ACCEPTED


def _do_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def not_looked_at(*_: Any, **__: Any) -> None:
        return None

    for name in ("of_anybody", "of_owner", "of_owner_by_email"):
        monkeypatch.setattr(present_contacts, name, not_looked_at)


async def test_while_challenge_is_away_a_removal_stands_and_is_answered_once_its_codes_have_ended(
    home: Household, world: World
) -> None:
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await ask(friend, world, added.approver_id)
    code = await world.code(address, ASKS)
    request = removal(home, added.approver_id)
    await world.stop("challenge")
    assert (await failure(world.contacts.RemoveApprover(request))).code is grpc.StatusCode.UNAVAILABLE
    await world.start("challenge")
    await world.back(lambda: world.contacts.RemoveApprover(request))
    assert await state(friend, world, asked.verification_id) == SUPERSEDED
    assert await submit(friend, asked.verification_id, code) == EXPIRED


@pytest.mark.parametrize("what", ["address", "number"])
async def test_the_owner_is_told_of_a_change_whose_codes_could_not_be_ended_and_its_repeat_ends_them(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL if what == "address" else TEXT)
    code = await (world.code(home.owner.email, ASKS) if what == "address" else world.text_code(PHONE))
    change = await _change(home, world, what)
    with monkeypatch.context() as away:
        away.setattr(ChallengeClient, "end_challenges", _away)
        assert (await failure(change())).code is grpc.StatusCode.UNAVAILABLE
    await world.mail(home.owner.email, "Where we reach you was changed")
    assert await state(friend, world, asked.verification_id) == verification_pb.VERIFICATION_STATE_PENDING
    assert await submit(friend, asked.verification_id, code) == EXPIRED, "the change stands already"
    await change()
    assert await state(friend, world, asked.verification_id) == SUPERSEDED


async def _away(*_: Any, **__: Any) -> None:
    raise ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE, detail="challenge is away")


async def _change(home: Household, world: World, what: str) -> Callable[[], Awaitable[Any]]:
    """A change of the address, ready to be completed, or the removal of the number."""
    if what == "number":
        request = number_removal(home)
        return lambda: world.contacts.RemoveContact(request)
    address = new_address()
    change_id = await home.tv.start_contact_change(EMAIL, address, home.owner.password)
    completion = pb.CompleteContactChangeRequest(
        **once(home.tv), change_id=change_id, code=await world.code(address, CONFIRM)
    )
    return lambda: world.contacts.CompleteContactChange(completion)

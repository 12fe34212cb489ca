"""ContactService: where the owner is reached, which counts from the moment on at which a code came back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_status import rpc_status

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import contact_service_pb2 as pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.devstack.device import Device, Person
from libs.testing.smtp import ReceivedMail
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    PHONE,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
    wrong,
)

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE
CONFIRM, CHANGED, EXISTS = "Confirm that this reaches you", "Where we reach you was changed", "already have an account"
OTHER_PHONE = "+4915198765432"


@pytest.fixture
def challenge_settings() -> dict[str, Any]:
    """Texts go to one country."""
    return {"text_countries": "DE"}


def new_address() -> str:
    """An address that nobody has."""
    return f"ada.{uuid4().hex[:8]}@new.example"


def mails(world: World, address: str) -> list[ReceivedMail]:
    """What has arrived at an address."""
    return [mail for mail in world.inbox.mails if address in mail.recipients]


def start(home: Household, to: str, **fields: Any) -> pb.StartContactChangeRequest:
    """A wish in which everything is right, from the television at home."""
    right: dict[str, Any] = {
        **once(home.tv),
        "channel": TEXT if to.startswith("+") else EMAIL,
        "destination": to,
        "password": home.owner.password,
    }
    return pb.StartContactChangeRequest(**(right | fields))


def complete(device: Device, change_id: str, code: str, **fields: Any) -> pb.CompleteContactChangeRequest:
    """A code, entered on a device."""
    return pb.CompleteContactChangeRequest(**(once(device) | {"change_id": change_id, "code": code} | fields))


async def change_address(home: Household, world: World, address: str) -> Person:
    """The owner as reached at a new address."""
    change_id = await home.tv.start_contact_change(EMAIL, address, home.owner.password)
    await home.tv.complete_contact_change(change_id, await world.code(address, CONFIRM))
    return Person(name=home.owner.name, email=address, password=home.owner.password, phone=home.owner.phone)


async def options(device: Device) -> list[standing_pb2.Channel.ValueType]:
    """By which ways a device that is asked can verify."""
    return [each.channel for each in (await device.play("film")).verification.options]


async def shown(home: Household, world: World) -> dict[int, tuple[str, bool]]:
    """The owner's contacts as the household sees them."""
    answer = await world.contacts.ListContacts(pb.ListContactsRequest(**asked_by(home.tv)))
    return {each.channel: (each.masked_destination, each.verified) for each in answer.contacts}


async def test_no_code_goes_to_the_number_of_the_sign_up_before_it_was_proved(world: World) -> None:
    home = await world.household(proved=False)
    assert (await shown(home, world))[TEXT] == (f"•••{PHONE[-2:]}", False)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    assert await options(friend) == [EMAIL, TRUSTED_DEVICE]
    assert (await failure(friend.request_verification(TEXT))).reason == "CHANNEL_UNAVAILABLE"
    assert world.smsc.position == 0, "nothing was sent"
    change_id = await home.tv.start_contact_change(TEXT, PHONE, home.owner.password)
    contact = await home.tv.complete_contact_change(change_id, await world.text_code(PHONE))
    assert (contact.channel, contact.verified) == (TEXT, True)
    assert (await shown(home, world))[TEXT] == (f"•••{PHONE[-2:]}", True)
    assert await options(friend) == [EMAIL, TEXT, TRUSTED_DEVICE]
    asked = await friend.request_verification(TEXT)
    await friend.submit_code(asked.verification_id, await world.text_code(PHONE))
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL


async def test_a_new_address_takes_over_and_the_old_one_is_told(home: Household, world: World) -> None:
    owner = await change_address(home, world, new_address())
    assert "/help/account" in await world.mail(home.owner.email, CHANGED)
    phone = world.device("Phone")
    assert (await failure(phone.sign_in(home.owner))).reason == "CREDENTIALS_REJECTED"
    assert (await phone.sign_in(owner)).outcome == decision_pb.OUTCOME_ALLOWED
    friend = await world_friend(world, owner)
    await friend.request_verification(EMAIL)
    await world.code(owner.email, "asks to watch")
    reset_id = await home.tv.start_password_reset(owner.email)
    await home.tv.reset_password(
        reset_id, await world.code(owner.email, "Choose a new password"), "other-words-for-ada"
    )
    assert "password" in await world.mail(owner.email, "Your password was changed")


async def world_friend(world: World, owner: Person) -> Device:
    """A device elsewhere, signed in with the owner's password."""
    friend = world.device("Friend's TV", ELSEWHERE)
    await friend.sign_in(owner)
    return friend


async def test_a_number_of_a_country_without_texts_is_refused_in_words(home: Household, world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.contacts.StartContactChange(start(home, "+447400123456"))
    status = rpc_status.from_call(caught.value)
    described = BadRequest()
    assert any(detail.Unpack(described) for detail in status.details)
    (violation,) = described.field_violations
    assert violation.field == "destination"
    assert "country that texts are not sent to" in violation.description


async def test_nothing_changes_before_the_code_came_back(home: Household, world: World) -> None:
    address = new_address()
    change_id = await home.tv.start_contact_change(EMAIL, address, home.owner.password)
    code = await world.code(address, CONFIRM)
    refused = await failure(home.tv.complete_contact_change(change_id, wrong(code)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_REJECTED")
    assert (await world.device("Phone").sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED
    world.clock.advance(timedelta(minutes=11))
    assert (await failure(home.tv.complete_contact_change(change_id, code))).reason == "CREDENTIALS_REJECTED"
    stranger = Person(name="Eve", email=address, password=home.owner.password)
    assert (await failure(world.device("Phone").sign_in(stranger))).reason == "CREDENTIALS_REJECTED"


async def test_the_code_works_on_the_device_that_began_and_for_its_own_change_alone(
    home: Household, world: World
) -> None:
    tablet = await home.signed_in("Tablet")
    mine, theirs = new_address(), new_address()
    first = (await world.contacts.StartContactChange(start(home, mine))).change_id
    code = await world.code(mine, CONFIRM)
    second = (await world.contacts.StartContactChange(start(home, theirs, **once(tablet)))).change_id
    for device, change_id in ((tablet, first), (home.tv, second), (home.tv, str(uuid4()))):
        refused = await failure(world.contacts.CompleteContactChange(complete(device, change_id, code)))
        assert refused.reason == "CREDENTIALS_REJECTED"
    assert (await failure(home.tv.complete_contact_change(first, code))).reason == "NOT_FOUND", "another took its place"
    await world.contacts.CompleteContactChange(complete(tablet, second, await world.code(theirs, CONFIRM)))
    assert (await shown(home, world))[EMAIL] == ("a•••@n•••.example", True)


async def test_a_repeat_gets_the_same_answer_sends_one_code_and_spends_it_once(home: Household, world: World) -> None:
    address = new_address()
    request = start(home, address)
    answers = [await world.contacts.StartContactChange(request) for _ in range(2)]
    assert answers[0] == answers[1]
    refused = await failure(
        world.contacts.StartContactChange(start(home, new_address(), request_id=request.request_id))
    )
    assert refused.reason == "REQUEST_ID_REUSED"
    done = complete(home.tv, answers[0].change_id, await world.code(address, CONFIRM))
    contacts = [await world.contacts.CompleteContactChange(done) for _ in range(2)]
    assert contacts[0] == contacts[1]
    await world.mail(home.owner.email, CHANGED)
    # Whatever else had been sent would have come before this one.
    await home.tv.start_password_reset(address)
    await world.code(address, "Choose a new password")
    assert sum(each.subject == CONFIRM for each in mails(world, address)) == 1
    assert sum(CHANGED in each.subject for each in mails(world, home.owner.email)) == 1


async def test_a_taken_address_is_answered_like_a_free_one_and_its_owner_is_told(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    taken = await world.contacts.StartContactChange(start(home, other.owner.email))
    free = await world.contacts.StartContactChange(start(home, new_address()))
    assert taken.expire_time == free.expire_time
    assert (taken.DESCRIPTOR.fields_by_name.keys(), len(taken.change_id)) == (
        free.DESCRIPTOR.fields_by_name.keys(),
        len(free.change_id),
    )
    refusals = {
        await failure(home.tv.complete_contact_change(change_id, "12345678"))
        for change_id in (taken.change_id, free.change_id)
    }
    assert len(refusals) == 1
    assert refusals.pop().reason == "CREDENTIALS_REJECTED"
    await world.mail(other.owner.email, EXISTS)
    assert not any(each.subject == CONFIRM for each in mails(world, other.owner.email))
    assert (await world.device("Phone").sign_in(other.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_too_many_codes_for_an_account_do_not_tell_a_free_address_from_a_taken_one(
    home: Household, world: World
) -> None:
    """The account's limit counts codes, and there are none for taken addresses."""
    other = await world.household(name="Olga")
    wishes = [start(home, new_address()) for _ in range(21)]
    for wish in [*wishes, start(home, other.owner.email)]:
        assert (await world.contacts.StartContactChange(wish)).change_id
    refused = await failure(world.contacts.StartContactChange(start(home, OTHER_PHONE)))
    assert refused.reason == "LIMIT_EXCEEDED", "a number tells nobody anything"


async def test_of_two_accounts_that_prove_one_address_at_once_one_gets_it(home: Household, world: World) -> None:
    other, address = await world.household(name="Olga"), new_address()
    begun = []
    for each in (home, other):
        change_id = await each.tv.start_contact_change(EMAIL, address, each.owner.password)
        begun.append(each.tv.complete_contact_change(change_id, await world.code(address, CONFIRM)))
    answers = await asyncio.gather(*begun, return_exceptions=True)
    lost = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert [each.code() for each in lost] == [grpc.StatusCode.FAILED_PRECONDITION]


@pytest.mark.parametrize(
    ("fields", "reason", "named"),
    [
        ({"password": "not-the-password-at-all"}, "CREDENTIALS_REJECTED", ()),
        ({"destination": "nobody at all"}, "INVALID_FIELD", ("destination",)),
        ({"destination": "0151 12345678", "channel": TEXT}, "INVALID_FIELD", ("destination",)),
        ({"channel": TRUSTED_DEVICE}, "INVALID_FIELD", ("channel",)),
        ({"password": ""}, "INVALID_FIELD", ("password",)),
    ],
    ids=["wrong password", "address", "number", "channel", "no password"],
)
async def test_what_is_wrong_with_a_wish_is_said_and_nothing_is_sent(
    home: Household, world: World, fields: dict[str, Any], reason: str, named: tuple[str, ...]
) -> None:
    address = new_address()
    refused = await failure(world.contacts.StartContactChange(start(home, address, **fields)))
    assert (refused.reason, refused.fields) == (reason, named)
    assert mails(world, address) == []


def attempts(home: Household, device: Device, world: World) -> dict[str, Any]:
    """Everything that a device could try with contacts."""
    password: dict[str, Any] = {"password": home.owner.password}
    contacts = world.contacts
    owners: dict[str, Any] = {"channel": EMAIL, "destination": new_address()}
    entered: dict[str, Any] = {"change_id": str(uuid4()), "code": "123456"}
    return {
        "list": contacts.ListContacts(pb.ListContactsRequest(**asked_by(device))),
        "start": contacts.StartContactChange(start(home, new_address(), **once(device))),
        "complete": contacts.CompleteContactChange(pb.CompleteContactChangeRequest(**once(device), **entered)),
        "remove": contacts.RemoveContact(pb.RemoveContactRequest(**once(device), channel=TEXT, **password)),
        "add": contacts.AddApprover(pb.AddApproverRequest(**once(device), name="Carl", **owners, **password)),
        "confirm": contacts.ConfirmApprover(pb.ConfirmApproverRequest(**once(device), **entered)),
        "drop": contacts.RemoveApprover(pb.RemoveApproverRequest(**once(device), approver_id=str(uuid4()), **password)),
    }


async def test_guests_outsiders_and_thieves_change_nothing_though_they_know_the_password(
    home: Household, world: World
) -> None:
    guest = await home.signed_in("Guest's TV", ELSEWHERE)
    asked = await guest.request_verification(EMAIL)
    await guest.submit_code(asked.verification_id, await world.code(home.owner.email, "asks to watch"))
    outsider = await home.signed_in("Outsider's TV", ELSEWHERE)
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    for device in (guest, outsider, thief):
        refused = {name: (await failure(each)).reason for name, each in attempts(home, device, world).items()}
        assert refused == dict.fromkeys(refused, "DEVICE_NOT_TRUSTED"), device.name
    stranger = world.device("Nobody's TV")
    stranger.session_token = home.tv.session_token
    assert (await failure(attempts(home, stranger, world)["list"])).reason == "SESSION_UNKNOWN"


async def test_a_number_is_removed_and_the_owner_is_told(home: Household, world: World) -> None:
    request = pb.RemoveContactRequest(**once(home.tv), channel=TEXT, password=home.owner.password)
    assert (await world.contacts.RemoveContact(request)).removed
    assert not (await world.contacts.RemoveContact(request)).removed
    await world.mail(home.owner.email, CHANGED)
    assert list(await shown(home, world)) == [EMAIL]
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    assert await options(friend) == [EMAIL, TRUSTED_DEVICE]
    refused = await failure(
        world.contacts.RemoveContact(pb.RemoveContactRequest(**once(home.tv), channel=EMAIL, password="x"))
    )
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("channel",))


async def test_a_change_that_was_cut_short_by_an_outage_is_completed_by_asking_again(
    home: Household, world: World
) -> None:
    address = new_address()
    change_id = await home.tv.start_contact_change(EMAIL, address, home.owner.password)
    request = complete(home.tv, change_id, await world.code(address, CONFIRM))
    await world.stop("challenge")
    assert (await failure(world.contacts.CompleteContactChange(request))).code is grpc.StatusCode.UNAVAILABLE
    await world.start("challenge")
    answer = await world.back(lambda: world.contacts.CompleteContactChange(request))
    assert answer.contact.verified
    sign_in = account_pb.SignInRequest(
        request_id=str(uuid4()), email=address, password=home.owner.password, client=home.tv.context()
    )
    assert (await world.accounts.SignIn(sign_in)).outcome == decision_pb.OUTCOME_ALLOWED

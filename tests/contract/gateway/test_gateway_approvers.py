"""Approvers: a second adult who gets codes and warnings and may approve, and whom nobody becomes unasked."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import contact_service_pb2 as pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
)
from tests.contract.gateway.test_gateway_notices import handed_over, put_off

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE
CONFIRM, ADDED, ASKS = "Confirm that this reaches you", "Somebody may approve for you", "asks to watch"
CARLS_PHONE = "+4915198765432"


def carl() -> str:
    """The address of a second adult."""
    return f"carl.{uuid4().hex[:8]}@example.org"


def wish(home: Household, to: str, **fields: Any) -> pb.AddApproverRequest:
    """A wish in which everything is right, from the television at home."""
    right: dict[str, Any] = {
        **once(home.tv),
        "name": "Carl",
        "channel": TEXT if to.startswith("+") else EMAIL,
        "destination": to,
        "password": home.owner.password,
    }
    return pb.AddApproverRequest(**(right | fields))


async def approver(home: Household, world: World, destination: str, **fields: Any) -> pb.Approver:
    """Somebody who has said yes."""
    added = await world.contacts.AddApprover(wish(home, destination, **fields))
    by_text = destination.startswith("+")
    code = await (world.text_code(destination) if by_text else world.code(destination, CONFIRM))
    request = pb.ConfirmApproverRequest(**once(home.tv), change_id=added.change_id, code=code)
    return (await world.contacts.ConfirmApprover(request)).approver


async def approvers(home: Household, world: World) -> list[tuple[str, str, bool]]:
    """Name, mask and whether they have said yes."""
    answer = await world.contacts.ListContacts(pb.ListContactsRequest(**asked_by(home.tv)))
    return [(each.name, each.masked_destination, each.verified) for each in answer.approvers]


async def offered(device: Device) -> dict[str, tuple[int, str]]:
    """The ways that a device is offered, by contact."""
    found = (await device.play("film")).verification.options
    return {each.contact_id: (each.channel, each.masked_destination) for each in found}


async def ask(
    device: Device, world: World, contact_id: str, channel: int = EMAIL
) -> verification_pb.VerificationStatus:
    """Have a code sent to one of the contacts."""
    request = verification_pb.RequestVerificationRequest(**once(device), contact_id=contact_id)
    request.channel = channel  # type: ignore[assignment]  # a number of this enum's
    return (await world.verification.RequestVerification(request)).verification


async def test_nobody_becomes_an_approver_before_saying_yes(home: Household, world: World) -> None:
    address = carl()
    request = wish(home, address)
    added = await world.contacts.AddApprover(request)
    assert await world.contacts.AddApprover(request) == added
    assert await approvers(home, world) == [("Carl", "c•••@e•••.org", False)]
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    assert len(await offered(friend)) == 3, "the owner's two and the household's devices"
    code = await world.code(address, CONFIRM)
    done = pb.ConfirmApproverRequest(**once(home.tv), change_id=added.change_id, code=code)
    answers = [await world.contacts.ConfirmApprover(done) for _ in range(2)]
    assert answers[0] == answers[1]
    assert await approvers(home, world) == [("Carl", "c•••@e•••.org", True)]
    await world.mail(home.owner.email, ADDED)
    assert (
        len(await offered(friend)),
        (await offered(friend))[answers[0].approver.approver_id],
    ) == (4, (EMAIL, "c•••@e•••.org"))


async def test_a_code_can_go_to_the_approver_and_lets_the_device_in(home: Household, world: World) -> None:
    address = carl()
    added = await approver(home, world, address)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    ways = await offered(friend)
    assert [channel for channel, _ in ways.values()] == [EMAIL, TEXT, EMAIL, TRUSTED_DEVICE]
    asked = await ask(friend, world, added.approver_id)
    assert asked.masked_destination == "c•••@e•••.org"
    answer = await friend.submit_code(asked.verification_id, await world.code(address, ASKS))
    assert answer.result == verification_pb.CODE_RESULT_ACCEPTED
    assert not any(ASKS in each.text for each in world.inbox.mails if home.owner.email in each.recipients)
    other = await home.signed_in("Other TV", ELSEWHERE)
    owners = next(contact_id for contact_id, way in ways.items() if way[0] == EMAIL)
    await ask(other, world, owners)
    await world.code(home.owner.email, ASKS)
    await other.request_verification(EMAIL)
    await world.code(home.owner.email, ASKS)


async def test_a_code_goes_to_no_contact_of_another_account_channel_or_of_somebody_unproved(
    home: Household, world: World
) -> None:
    other = await world.household(name="Olga")
    theirs = await approver(other, world, carl())
    mine = await approver(home, world, carl())
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    for contact_id, channel, reason in (
        (theirs.approver_id, EMAIL, "NOT_FOUND"),
        (str(uuid4()), EMAIL, "NOT_FOUND"),
        (mine.approver_id, TEXT, "CHANNEL_UNAVAILABLE"),
        ("nobody", EMAIL, "INVALID_FIELD"),
    ):
        assert (await failure(ask(friend, world, contact_id, channel))).reason == reason
    remove = pb.RemoveApproverRequest(**once(home.tv), approver_id=mine.approver_id, password=home.owner.password)
    assert (await world.contacts.RemoveApprover(remove)).removed
    assert not (await world.contacts.RemoveApprover(remove)).removed
    assert (await failure(ask(friend, world, mine.approver_id))).reason == "NOT_FOUND"
    assert await approvers(home, world) == []


async def test_approvers_are_warned_of_theft_by_email_and_by_text(home: Household, world: World) -> None:
    address = carl()
    await approver(home, world, address)
    await approver(home, world, CARLS_PHONE)
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    for each in (home.owner.email, address):
        assert "Unknown laptop" in await world.mail(each, "We stopped a sign-in")
    assert "Brazil" in (await world.smsc.wait_for(CARLS_PHONE, lambda text: "stopped" in text.text, timeout=15)).text
    asked = await ask(thief, world, (await _by_mask(home, world, "c•••@e•••.org")))
    assert asked.suspected_theft
    pending = (await home.tv.pending_verifications())[0]
    await home.tv.it_was_not_me(pending.verification_id)
    await world.mail(address, "A device was shut out")


async def _by_mask(home: Household, world: World, mask: str) -> str:
    answer = await world.contacts.ListContacts(pb.ListContactsRequest(**asked_by(home.tv)))
    return next(each.approver_id for each in answer.approvers if each.masked_destination == mask)


async def test_a_password_is_reset_by_the_owners_own_address_and_the_approver_is_warned(
    home: Household, world: World
) -> None:
    address = carl()
    await approver(home, world, address)
    reset_id = await home.tv.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email, "Choose a new password")
    await home.tv.reset_password(reset_id, code, "other-words-for-ada")
    await world.mail(address, "Your password was changed")
    assert not any("Choose a new password" in each.subject for each in world.inbox.mails if address in each.recipients)
    # The approver's address is the name of no account.
    await home.tv.start_password_reset(address)
    assert not any("Choose a new password" in each.subject for each in world.inbox.mails if address in each.recipients)


async def test_after_an_outage_the_owner_and_each_approver_hear_of_it(home: Household, world: World) -> None:
    first, second = carl(), carl()
    for each in (first, second):
        await approver(home, world, each)
    await world.stop("challenge")
    await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    await put_off(world)
    await world.start("challenge")
    await handed_over(world)
    for address in (home.owner.email, first, second):
        assert "Unknown laptop" in await world.mail(address, "We stopped a sign-in")


async def test_an_account_has_two_approvers_and_they_are_second_persons(home: Household, world: World) -> None:
    first = carl()
    kid = await home.add_profile("Kim", kids=True)
    await approver(home, world, first)
    for fields, reason, named in (
        ({"destination": first.upper()}, "INVALID_FIELD", ("destination",)),
        ({"destination": home.owner.email}, "INVALID_FIELD", ("destination",)),
        ({"destination": home.owner.phone, "channel": TEXT}, "INVALID_FIELD", ("destination",)),
        ({"destination": "nobody"}, "INVALID_FIELD", ("destination",)),
        ({"name": " \t "}, "INVALID_FIELD", ("name",)),
        ({"profile_id": kid}, "INVALID_FIELD", ("profile_id",)),
        ({"profile_id": home.profile_id}, "INVALID_FIELD", ("profile_id",)),
        ({"profile_id": str(uuid4())}, "NOT_FOUND", ()),
        ({"password": "not-the-password-at-all"}, "CREDENTIALS_REJECTED", ()),
    ):
        refused = await failure(world.contacts.AddApprover(wish(home, carl(), **fields)))
        assert (refused.reason, refused.fields) == (reason, named), fields
    await approver(home, world, carl())
    assert (await failure(world.contacts.AddApprover(wish(home, carl())))).reason == "LIMIT_EXCEEDED"


async def test_a_child_and_a_guest_of_the_family_answer_no_question_and_the_adults_do(
    home: Household, world: World
) -> None:
    tablet = await home.signed_in("Tablet")
    kid, ben, second = [await home.add_profile(name, kids=name == "Kim") for name in ("Kim", "Ben", "Carl")]
    await approver(home, world, carl(), profile_id=second)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TRUSTED_DEVICE)

    def answers(profile_id: str) -> list[Any]:
        who: dict[str, Any] = once(tablet) | {"verification_id": asked.verification_id, "profile_id": profile_id}
        pending = verification_pb.ListPendingVerificationsRequest(**asked_by(tablet), profile_id=profile_id)
        return [
            world.verification.ListPendingVerifications(pending),
            world.verification.ApproveDevice(verification_pb.ApproveDeviceRequest(**who)),
            world.verification.RejectDevice(verification_pb.RejectDeviceRequest(**who)),
        ]

    for profile_id, reason in ((kid, "DEVICE_NOT_TRUSTED"), (ben, "DEVICE_NOT_TRUSTED"), (str(uuid4()), "NOT_FOUND")):
        assert {(await failure(each)).reason for each in answers(profile_id)} == {reason}
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    for profile_id in (home.profile_id, second):
        listed, *others = answers(profile_id)
        for each in others:
            each.cancel()
        assert [each.verification_id for each in (await listed).verifications] == [asked.verification_id]
    approve = verification_pb.ApproveDeviceRequest(
        **once(tablet), verification_id=asked.verification_id, profile_id=second
    )
    assert (await world.verification.ApproveDevice(approve)).verification.state == (
        verification_pb.VERIFICATION_STATE_VERIFIED
    )
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL


async def test_one_who_has_yet_to_say_yes_answers_no_question(home: Household, world: World) -> None:
    second = await home.add_profile("Carl")
    await world.contacts.AddApprover(wish(home, carl(), profile_id=second))
    request = verification_pb.ListPendingVerificationsRequest(**asked_by(home.tv), profile_id=second)
    assert (await failure(world.verification.ListPendingVerifications(request))).reason == "DEVICE_NOT_TRUSTED"

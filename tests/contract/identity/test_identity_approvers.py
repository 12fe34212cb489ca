"""Approvers in identity: how many, who may be one, and that none is one before the proof."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.contact import Channel
from services.identity.use_cases.verify_approver import verify_approver
from tests.contract.identity.identity_world import EMAIL, PASSWORD, PHONE, World, new_id, refused
from tests.contract.identity.test_identity_contacts import contacts, say

CARL, DORA = "carl@example.org", "dora@example.org"


def wish(account_id: str, to: str = CARL, **fields: Any) -> pb.AddApproverRequest:
    """A second adult in which everything is right."""
    channel = standing_pb2.CHANNEL_TEXT if to.startswith("+") else standing_pb2.CHANNEL_EMAIL
    right: dict[str, Any] = {"request_id": new_id(), "account_id": account_id, "name": "Carl", "password": PASSWORD}
    return pb.AddApproverRequest(**(right | {"channel": channel, "destination": to} | fields))


async def add(world: World, account_id: str, to: str = CARL, **fields: Any) -> pb.Approver:
    """Add and prove one."""
    added = await say(world, wish(account_id, to, **fields))
    request = pb.VerifyApproverRequest(account_id=account_id, approver_id=added.approver_id)
    approver: pb.Approver = (await say(world, request)).approver
    return approver


async def listed(world: World, account_id: str) -> list[pb.Approver]:
    """The approvers, and those who wait."""
    return list((await say(world, pb.ListApproversRequest(account_id=account_id))).approvers)


async def test_an_approver_is_a_contact_of_the_account_once_proved(world: World) -> None:
    account_id = await world.active(language="de")
    profile = await world.profile(account_id, "Carl")
    request = wish(account_id, "Carl@EXAMPLE.org", name="  Carl ", profile_id=profile.profile_id)
    added = await say(world, request)
    assert (added.destination, added.language) == ("Carl@example.org", "de")
    assert await say(world, request) == added
    (owner,) = await contacts(world, account_id)
    assert (owner.role, owner.name) == (identity_pb.CONTACT_ROLE_OWNER, "")
    verify = pb.VerifyApproverRequest(account_id=account_id, approver_id=added.approver_id)
    approver = (await say(world, verify)).approver
    assert (await say(world, verify)).approver == approver == (await listed(world, account_id))[0]
    assert (approver.name, approver.verified, approver.masked_destination) == ("Carl", True, "C•••@e•••.org")
    assert approver.profile_id == profile.profile_id
    _, contact = await contacts(world, account_id)
    assert (contact.contact_id, contact.destination) == (approver.approver_id, "Carl@example.org")
    assert (contact.role, contact.name, contact.verified) == (identity_pb.CONTACT_ROLE_APPROVER, "Carl", True)


async def test_an_owners_contact_keeps_its_id_when_the_address_changes(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    before = [each.contact_id for each in await contacts(world, account_id)]
    request = pb.PutContactRequest(request_id=new_id(), account_id=account_id, password=PASSWORD)
    request.channel, request.destination = standing_pb2.CHANNEL_EMAIL, "ada@new.example"
    put = await say(world, request)
    await say(world, pb.VerifyContactRequest(account_id=account_id, contact_id=put.contact_id))
    assert [each.contact_id for each in await contacts(world, account_id)] == before
    assert len({UUID(each) for each in before}) == 2


async def test_a_later_wish_takes_the_place_of_one_that_waits(world: World) -> None:
    account_id = await world.active()
    first = await say(world, wish(account_id))
    await say(world, wish(account_id, DORA, name="Dora"))
    assert [each.name for each in await listed(world, account_id)] == ["Dora"]
    with refused(ErrorReason.NOT_FOUND):
        await say(world, pb.VerifyApproverRequest(account_id=account_id, approver_id=first.approver_id))


async def test_who_cannot_be_an_approver_is_said(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    kid = await world.profile(account_id, "Kim", kids=True)
    primary = (await world.profiles(account_id))[0]
    await add(world, account_id)
    for fields, reason, field in (
        ({"destination": CARL.title()}, ErrorReason.INVALID_FIELD, "destination"),
        ({"destination": EMAIL}, ErrorReason.INVALID_FIELD, "destination"),
        ({"destination": PHONE, "channel": standing_pb2.CHANNEL_TEXT}, ErrorReason.INVALID_FIELD, "destination"),
        ({"name": " "}, ErrorReason.INVALID_FIELD, "name"),
        ({"profile_id": kid.profile_id}, ErrorReason.INVALID_FIELD, "profile_id"),
        ({"profile_id": primary.profile_id}, ErrorReason.INVALID_FIELD, "profile_id"),
        ({"profile_id": new_id()}, ErrorReason.NOT_FOUND, ""),
        ({"password": "somebody else's words"}, ErrorReason.CREDENTIALS_REJECTED, ""),
        ({"account_id": new_id()}, ErrorReason.NOT_FOUND, ""),
    ):
        with refused(reason, field):
            await say(world, wish(**({"account_id": account_id, "to": DORA} | fields)))


async def test_a_request_id_that_is_used_for_somebody_else_is_refused(world: World) -> None:
    account_id = await world.active()
    request = wish(account_id)
    await say(world, request)
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await say(world, wish(account_id, DORA, request_id=request.request_id))


async def test_an_account_has_two_approvers_however_many_are_proved_at_once(world: World) -> None:
    account_id = await world.active()
    await add(world, account_id, "first@example.org")
    waiting = await say(world, wish(account_id))
    # Two that wait at once cannot be: the second takes the first one's place. So one is put there by hand.
    await world.identity.database.execute(
        """insert into approver (account_id, approver_id, name, channel, sealed_destination, create_time)
           select account_id, $3, 'Dora', channel, $4, create_time
           from approver where account_id = $1 and approver_id = $2""",
        UUID(account_id),
        UUID(waiting.approver_id),
        other := uuid4(),
        world.identity.keys.seal(DORA, account_id=UUID(account_id), channel=Channel.EMAIL, contact_id=other),
    )
    answers = await asyncio.gather(
        *(
            verify_approver(UUID(account_id), each, identity=world.identity)
            for each in (UUID(waiting.approver_id), other)
        ),
        return_exceptions=True,
    )
    assert [each.reason for each in answers if isinstance(each, ServiceError)] == [ErrorReason.LIMIT_EXCEEDED]
    with refused(ErrorReason.LIMIT_EXCEEDED):
        await say(world, wish(account_id, "third@example.org"))


async def test_an_approver_is_removed_with_the_password(world: World) -> None:
    account_id = await world.active()
    approver = await add(world, account_id)
    request = pb.RemoveApproverRequest(account_id=account_id, approver_id=approver.approver_id, password=PASSWORD)
    wrong = pb.RemoveApproverRequest(account_id=account_id, approver_id=approver.approver_id, password="not the words")
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await say(world, wrong)
    assert (await say(world, request)).removed
    assert not (await say(world, request)).removed
    assert await listed(world, account_id) == []
    assert len(await contacts(world, account_id)) == 1


@pytest.mark.parametrize("caller", ["operator", "challenge"])
async def test_only_the_gateway_adds_approvers(world: World, caller: str) -> None:
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await say(world, wish(new_id()), caller)

"""What hosts and invited people say to the gateway about extra members, in few words."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from hearthgate.gateway.v1 import member_service_pb2 as pb
from libs.devstack.device import Device, Person
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, once

TOKEN = re.compile(r"/account/join#(\S+)")
INVITED = "You are invited"


def person(name: str = "Ben") -> Person:
    """Somebody with an address of their own."""
    return Person(name=name, email=f"{name.lower()}.{uuid4().hex[:8]}@example.com", password="bens-own-four-words")


async def invite(home: Household, email: str, device: Device | None = None, **changes: Any) -> pb.Member:
    """Invite an address; from the television at home unless a device is named."""
    request = pb.InviteMemberRequest(**({**once(device or home.tv), "email": email} | changes))
    return (await home.world.members.InviteMember(request)).member


async def token_of(world: World, email: str) -> str:
    """The token in the invitation's mail."""
    match = TOKEN.search(await world.mail(email, INVITED))
    assert match is not None
    return match[1]


def acceptance(device: Device, token: str, person: Person, **changes: Any) -> pb.AcceptInvitationRequest:
    """Accept an invitation with a new account."""
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "invitation_token": token,
        "email": person.email,
        "password": person.password,
        "profile_name": person.name,
        "country_code": "DE",
        "client": device.context(),
    }
    return pb.AcceptInvitationRequest(**(fields | changes))


async def join(world: World, device: Device, token: str, person: Person, **changes: Any) -> str:
    """Accept, and hand the code in; the account."""
    begun = await world.members.AcceptInvitation(acceptance(device, token, person, **changes))
    answer = await device.complete_sign_up(begun.sign_up_id, await world.code(person.email))
    return answer.account_id


async def member(home: Household, world: World) -> tuple[pb.Member, Device, Person, str]:
    """A member at home elsewhere: the place, a television there, the person and the member's account."""
    ben = person()
    member = await invite(home, ben.email)
    tv = world.device("Ben's TV", ELSEWHERE)
    account_id = await join(world, tv, await token_of(world, ben.email), ben)
    return member, tv, ben, account_id


async def list_members(home: Household, device: Device | None = None) -> pb.ListMembersResponse:
    """Members and invitations."""
    return await home.world.members.ListMembers(pb.ListMembersRequest(**asked_by(device or home.tv)))


async def remove(home: Household, member_id: str) -> pb.RemoveMemberResponse:
    """End a membership."""
    request = pb.RemoveMemberRequest(**asked_by(home.tv), member_id=member_id)
    return await home.world.members.RemoveMember(request)

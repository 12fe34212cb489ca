"""What hosts, members and operators say to identity about extra members, in few words."""

from __future__ import annotations

from typing import Any

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import member_service_pb2 as member_pb
from hearthgate.identity.v1 import plan_service_pb2 as plan_pb
from libs.rpc.channel import call
from tests.contract.identity.identity_world import World, new_id

BEN = "ben@example.com"


async def say(world: World, method: str, request: Any, caller: str = "gateway") -> Any:
    """Call an RPC of MemberService."""
    return await call(getattr(world.member_stubs[caller], method), request, timeout=10)


async def host(world: World, plan_id: str = "premium", **fields: Any) -> str:
    """An account whose plan has room for extra members."""
    return await world.active(plan_id=plan_id, **fields)


async def invite(
    world: World, account_id: str, email: str = BEN, request_id: str = ""
) -> member_pb.InviteMemberResponse:
    """Invite somebody."""
    request = member_pb.InviteMemberRequest(request_id=request_id or new_id(), account_id=account_id, email=email)
    answer: member_pb.InviteMemberResponse = await say(world, "InviteMember", request)
    return answer


async def join(world: World, token: str, email: str = BEN, **fields: Any) -> str:
    """Accept an invitation with a new account; its id."""
    created = await world.create(invitation_token=token, email=email, **({"profile_name": "Ben"} | fields))
    await world.activate(created.account_id)
    return created.account_id


async def member_of(world: World, account_id: str, email: str = BEN) -> tuple[str, str]:
    """A new extra member of an account: member id and the member's account."""
    invited = await invite(world, account_id, email)
    return invited.member.member_id, await join(world, invited.invitation_token, email)


async def accept(world: World, account_id: str, token: str) -> pb.Account:
    """Let an account take the place of an invitation."""
    request = member_pb.AcceptInvitationRequest(account_id=account_id, invitation_token=token)
    account: pb.Account = (await say(world, "AcceptInvitation", request)).account
    return account


async def cancel(world: World, account_id: str, member_id: str) -> member_pb.Member:
    """Take an invitation back."""
    request = member_pb.CancelInvitationRequest(account_id=account_id, member_id=member_id)
    member: member_pb.Member = (await say(world, "CancelInvitation", request)).member
    return member


async def remove(world: World, account_id: str, member_id: str) -> member_pb.Member:
    """End a membership."""
    request = member_pb.RemoveMemberRequest(account_id=account_id, member_id=member_id)
    member: member_pb.Member = (await say(world, "RemoveMember", request)).member
    return member


async def members(world: World, account_id: str) -> list[member_pb.Member]:
    """Members and open invitations."""
    return list((await say(world, "ListMembers", member_pb.ListMembersRequest(account_id=account_id))).members)


async def account(world: World, account_id: str) -> pb.Account:
    """An account as callers are told of it."""
    found: pb.Account = (await world.say("GetAccount", pb.GetAccountRequest(account_id=account_id))).account
    return found


async def set_plan(world: World, account_id: str, plan_id: str, caller: str = "operator") -> pb.Account:
    """Change what an account pays for."""
    request = plan_pb.SetAccountPlanRequest(account_id=account_id, plan_id=plan_id)
    answer = await call(world.plan_stubs[caller].SetAccountPlan, request, timeout=10)
    return answer.account

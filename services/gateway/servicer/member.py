"""MemberService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import member_service_pb2 as pb
from hearthgate.gateway.v1 import member_service_pb2_grpc as rpc
from libs.runtime.errors import invalid_field
from services.gateway.clients.conversions import client, timestamp, to_enum
from services.gateway.clients.identity import NewAccount
from services.gateway.domain.members import Member
from services.gateway.use_cases.accept_invitation import AcceptInvitation, accept_invitation
from services.gateway.use_cases.cancel_invitation import cancel_invitation
from services.gateway.use_cases.context import Context, account_hint
from services.gateway.use_cases.invite_member import InviteMember, invite_member
from services.gateway.use_cases.list_members import list_members
from services.gateway.use_cases.rejoin_membership import rejoin_membership
from services.gateway.use_cases.remove_member import remove_member
from services.gateway.use_cases.request_membership import request_membership


class MemberServicer(rpc.MemberServiceServicer):
    """Extra members, as a device asks about them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def InviteMember(self, request: pb.InviteMemberRequest, context: Any) -> pb.InviteMemberResponse:
        command = InviteMember(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            email=request.email,
        )
        return pb.InviteMemberResponse(member=_member(await invite_member(self._context, command)))

    async def CancelInvitation(self, request: pb.CancelInvitationRequest, context: Any) -> pb.CancelInvitationResponse:
        asking, member_id = client(request.client), UUID(request.member_id)
        member = await cancel_invitation(self._context, request.session_token, asking, member_id)
        return pb.CancelInvitationResponse(member=_member(member))

    async def AcceptInvitation(self, request: pb.AcceptInvitationRequest, context: Any) -> pb.AcceptInvitationResponse:
        command = AcceptInvitation(
            new=_new_account(request),
            session_token=request.session_token,
            profile_id=UUID(request.profile_id) if request.profile_id else None,
            body_digest=self._context.body_digest(request),
            client=client(request.client),
        )
        proof = await accept_invitation(self._context, command)
        return pb.AcceptInvitationResponse(sign_up_id=str(proof.proof_id), expire_time=timestamp(proof.expire_time))

    async def RejoinMembership(self, request: pb.RejoinMembershipRequest, context: Any) -> pb.RejoinMembershipResponse:
        asking = client(request.client)
        await rejoin_membership(self._context, request.session_token, asking, request.invitation_token)
        return pb.RejoinMembershipResponse()

    async def ListMembers(self, request: pb.ListMembersRequest, context: Any) -> pb.ListMembersResponse:
        members, slots = await list_members(self._context, request.session_token, client(request.client))
        return pb.ListMembersResponse(members=[_member(each) for each in members], slots=slots)

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: Any) -> pb.RemoveMemberResponse:
        asking, member_id = client(request.client), UUID(request.member_id)
        removed = await remove_member(self._context, request.session_token, asking, member_id)
        return pb.RemoveMemberResponse(member=_member(removed.member), ended_stream_count=removed.streams)

    async def RequestMembership(
        self, request: pb.RequestMembershipRequest, context: Any
    ) -> pb.RequestMembershipResponse:
        await request_membership(self._context, request.session_token, client(request.client))
        return pb.RequestMembershipResponse()


def _new_account(request: pb.AcceptInvitationRequest) -> NewAccount:
    move = None
    if request.profile_id:
        if request.profile_name:
            raise invalid_field("profile_name", "must be empty where a profile comes along")
        move = (account_hint(request.session_token), UUID(request.profile_id))
    return NewAccount(
        request_id=UUID(request.request_id),
        email=request.email,
        phone="",
        password=request.password,
        country_code=request.country_code,
        language=request.client.language,
        profile_name=request.profile_name,
        plan_id="",
        move=move,
        invitation_token=request.invitation_token,
    )


def _member(member: Member) -> pb.Member:
    return pb.Member(
        member_id=str(member.member_id),
        state=to_enum(pb.MemberState, "MEMBER_STATE_", member.state),
        masked_email=member.masked_email,
        invite_time=timestamp(member.invite_time),
        expire_time=timestamp(member.expire_time),
        accept_time=timestamp(member.accept_time),
    )

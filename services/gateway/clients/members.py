"""The gateway's view of identity's extra members. Every method raises ServiceError."""

from __future__ import annotations

from uuid import UUID

from hearthgate.identity.v1 import member_service_pb2 as pb
from hearthgate.identity.v1 import member_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call
from services.gateway.clients import conversions
from services.gateway.domain.members import Invited, Member, MemberState


class MemberClient:
    """Invitations and memberships."""

    def __init__(self, channel: Channel) -> None:
        self._stub = rpc.MemberServiceStub(channel)

    async def invite(self, request_id: UUID, account_id: UUID, email: str) -> Invited:
        """Keep a slot. Raises INVALID_FIELD, REQUEST_ID_REUSED, STATE_CONFLICT, LIMIT_EXCEEDED."""
        request = pb.InviteMemberRequest(request_id=str(request_id), account_id=str(account_id), email=email)
        answer = await call(self._stub.InviteMember, request)
        return Invited(member=_member(answer.member), token=answer.invitation_token, email=answer.email)

    async def cancel(self, account_id: UUID, member_id: UUID) -> Member:
        """Take an invitation back. Raises NOT_FOUND, STATE_CONFLICT."""
        request = pb.CancelInvitationRequest(account_id=str(account_id), member_id=str(member_id))
        return _member((await call(self._stub.CancelInvitation, request)).member)

    async def accept(self, account_id: UUID, token: str) -> None:
        """Let an account without a plan take a place. Raises NOT_FOUND, STATE_CONFLICT."""
        request = pb.AcceptInvitationRequest(account_id=str(account_id), invitation_token=token)
        await call(self._stub.AcceptInvitation, request)

    async def list(self, account_id: UUID) -> tuple[tuple[Member, ...], int]:
        """Members and invitations, oldest first, and the plan's slots."""
        answer = await call(self._stub.ListMembers, pb.ListMembersRequest(account_id=str(account_id)))
        return tuple(_member(each) for each in answer.members), answer.slots

    async def remove(self, account_id: UUID, member_id: UUID) -> Member:
        """End a membership or an invitation. Raises NOT_FOUND."""
        request = pb.RemoveMemberRequest(account_id=str(account_id), member_id=str(member_id))
        return _member((await call(self._stub.RemoveMember, request)).member)


def _member(message: pb.Member) -> Member:
    return Member(
        member_id=UUID(message.member_id),
        state=conversions.from_enum(MemberState, pb.MemberState, "MEMBER_STATE_", message.state),
        masked_email=message.masked_email,
        account_id=UUID(message.account_id) if message.account_id else None,
        invite_time=conversions.moment(message.invite_time),
        expire_time=conversions.moment(message.expire_time),
        accept_time=conversions.moment(message.accept_time) if message.HasField("accept_time") else None,
    )

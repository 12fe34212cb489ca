"""MemberService and PlanService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.identity.v1 import member_service_pb2 as pb
from hearthgate.identity.v1 import member_service_pb2_grpc as rpc
from hearthgate.identity.v1 import plan_service_pb2 as plan_pb
from hearthgate.identity.v1 import plan_service_pb2_grpc as plan_rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity import conversions as convert
from services.identity.domain.contact import mask_email
from services.identity.domain.membership import Place
from services.identity.use_cases.accept_invitation import accept_invitation
from services.identity.use_cases.cancel_invitation import cancel_invitation
from services.identity.use_cases.context import Identity
from services.identity.use_cases.invite_member import invite_member
from services.identity.use_cases.list_members import list_members
from services.identity.use_cases.remove_member import remove_member
from services.identity.use_cases.set_account_plan import set_account_plan

MEMBER_SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["MemberService"].full_name
PLAN_SERVICE_NAME: Final = plan_pb.DESCRIPTOR.services_by_name["PlanService"].full_name
_GATEWAY: Final = frozenset({"gateway"})
_OPERATOR: Final = frozenset({"operator"})

Context = grpc.aio.ServicerContext[Any, Any]


def member_registration(identity: Identity) -> Registration:
    """MemberService with the callers that its contract names."""
    return Registration(
        add=rpc.add_MemberServiceServicer_to_server,
        servicer=MemberServicer(identity),
        service_name=MEMBER_SERVICE_NAME,
        allowed_callers=_GATEWAY,
        by_method=dict.fromkeys(("ListMembers", "RemoveMember"), _GATEWAY | _OPERATOR),
    )


def plan_registration(identity: Identity) -> Registration:
    """PlanService with the callers that its contract names."""
    return Registration(
        add=plan_rpc.add_PlanServiceServicer_to_server,
        servicer=PlanServicer(identity),
        service_name=PLAN_SERVICE_NAME,
        allowed_callers=_OPERATOR,
    )


class MemberServicer(rpc.MemberServiceServicer):
    """Extra members; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def InviteMember(self, request: pb.InviteMemberRequest, context: Context) -> pb.InviteMemberResponse:
        invited = await invite_member(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            email=request.email,
            identity=self._identity,
        )
        token = invited.token.encode() if invited.token else ""
        return pb.InviteMemberResponse(
            member=_member_message(invited.place), invitation_token=token, email=invited.email
        )

    async def CancelInvitation(
        self, request: pb.CancelInvitationRequest, context: Context
    ) -> pb.CancelInvitationResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        member_id = parse_uuid(request.member_id, "member_id")
        place = await cancel_invitation(account_id, member_id, identity=self._identity)
        return pb.CancelInvitationResponse(member=_member_message(place))

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        account = await accept_invitation(account_id, request.invitation_token, identity=self._identity)
        return pb.AcceptInvitationResponse(account=convert.account_message(account))

    async def ListMembers(self, request: pb.ListMembersRequest, context: Context) -> pb.ListMembersResponse:
        places, slots = await list_members(parse_uuid(request.account_id, "account_id"), identity=self._identity)
        return pb.ListMembersResponse(members=[_member_message(place) for place in places], slots=slots)

    async def RemoveMember(self, request: pb.RemoveMemberRequest, context: Context) -> pb.RemoveMemberResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        member_id = parse_uuid(request.member_id, "member_id")
        place = await remove_member(account_id, member_id, identity=self._identity)
        return pb.RemoveMemberResponse(member=_member_message(place))


class PlanServicer(plan_rpc.PlanServiceServicer):
    """What an account pays for."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def SetAccountPlan(
        self, request: plan_pb.SetAccountPlanRequest, context: Context
    ) -> plan_pb.SetAccountPlanResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        account = await set_account_plan(account_id, request.plan_id, identity=self._identity)
        return plan_pb.SetAccountPlanResponse(account=convert.account_message(account))


def _member_message(place: Place) -> pb.Member:
    return pb.Member(
        member_id=str(place.member_id),
        state=pb.MemberState.Value(f"MEMBER_STATE_{place.state}"),
        masked_email=mask_email(place.email) if place.email else "",
        account_id=str(place.member_account_id or ""),
        invite_time=_timestamp(place.invite_time),
        expire_time=_timestamp(place.expire_time),
        accept_time=_timestamp(place.accept_time) if place.accept_time else None,
    )


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message

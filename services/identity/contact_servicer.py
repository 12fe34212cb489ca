"""ContactService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as rpc
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity.conversions import contact_message
from services.identity.domain.approver import Approver
from services.identity.domain.contact import Channel, mask
from services.identity.domain.contact import Contact as ContactRecord
from services.identity.use_cases.add_approver import AddApprover, add_approver
from services.identity.use_cases.context import Identity
from services.identity.use_cases.list_approvers import list_approvers
from services.identity.use_cases.put_contact import PutContact, put_contact
from services.identity.use_cases.remove_approver import remove_approver
from services.identity.use_cases.remove_contact import remove_contact
from services.identity.use_cases.restore_contact import restore_contact
from services.identity.use_cases.verify_approver import verify_approver
from services.identity.use_cases.verify_contact import VerifiedContact, verify_contact

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["ContactService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


def contact_registration(identity: Identity) -> Registration:
    """The service with the callers that its contract names."""
    return Registration(
        add=rpc.add_ContactServiceServicer_to_server,
        servicer=ContactServicer(identity),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
        by_method={"RestoreContact": frozenset({"operator"})},
    )


class ContactServicer(rpc.ContactServiceServicer):
    """The gRPC face of the use cases; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def PutContact(self, request: pb.PutContactRequest, context: Context) -> pb.PutContactResponse:
        command = PutContact(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            channel=_channel(request.channel),
            destination=request.destination,
            password=request.password,
        )
        put = await put_contact(command, identity=self._identity)
        return pb.PutContactResponse(
            contact_id=str(put.contact_id), destination=put.destination, taken=put.taken, language=put.language
        )

    async def VerifyContact(self, request: pb.VerifyContactRequest, context: Context) -> pb.VerifyContactResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        contact_id = parse_uuid(request.contact_id, "contact_id")
        verified = await verify_contact(account_id, contact_id, identity=self._identity)
        return pb.VerifyContactResponse(
            contact=contact_message(verified.contact, masked_only=False),
            former=_former(verified),
            language=verified.language,
        )

    async def RemoveContact(self, request: pb.RemoveContactRequest, context: Context) -> pb.RemoveContactResponse:
        account_id, channel = parse_uuid(request.account_id, "account_id"), _channel(request.channel)
        removed = await remove_contact(account_id, channel, request.password, identity=self._identity)
        return pb.RemoveContactResponse(removed=removed)

    async def RestoreContact(self, request: pb.RestoreContactRequest, context: Context) -> pb.RestoreContactResponse:
        restored = await restore_contact(parse_uuid(request.account_id, "account_id"), identity=self._identity)
        message = contact_message(restored.contact, masked_only=True)
        return pb.RestoreContactResponse(contact=message, ended_count=restored.ended_sessions)

    async def AddApprover(self, request: pb.AddApproverRequest, context: Context) -> pb.AddApproverResponse:
        command = AddApprover(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            name=request.name,
            channel=_channel(request.channel),
            destination=request.destination,
            profile_id=parse_uuid(request.profile_id, "profile_id") if request.profile_id else None,
            password=request.password,
        )
        added = await add_approver(command, identity=self._identity)
        return pb.AddApproverResponse(
            approver_id=str(added.approver_id), destination=added.destination, language=added.language
        )

    async def VerifyApprover(self, request: pb.VerifyApproverRequest, context: Context) -> pb.VerifyApproverResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        approver_id = parse_uuid(request.approver_id, "approver_id")
        approver = await verify_approver(account_id, approver_id, identity=self._identity)
        return pb.VerifyApproverResponse(approver=_approver_message(approver))

    async def RemoveApprover(self, request: pb.RemoveApproverRequest, context: Context) -> pb.RemoveApproverResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        approver_id = parse_uuid(request.approver_id, "approver_id")
        removed = await remove_approver(account_id, approver_id, request.password, identity=self._identity)
        return pb.RemoveApproverResponse(removed=removed)

    async def ListApprovers(self, request: pb.ListApproversRequest, context: Context) -> pb.ListApproversResponse:
        found = await list_approvers(parse_uuid(request.account_id, "account_id"), identity=self._identity)
        return pb.ListApproversResponse(approvers=[_approver_message(each) for each in found])


def _channel(value: standing_pb2.Channel.ValueType) -> Channel:
    return Channel(standing_pb2.Channel.Name(value).removeprefix("CHANNEL_"))


def _former(verified: VerifiedContact) -> identity_pb.Contact | None:
    if not verified.former:
        return None
    contact = verified.contact
    former = ContactRecord(
        contact_id=contact.contact_id, channel=contact.channel, destination=verified.former, verified=True
    )
    return contact_message(former, masked_only=False)


def _approver_message(approver: Approver) -> pb.Approver:
    created = Timestamp()
    created.FromDatetime(approver.create_time)
    return pb.Approver(
        approver_id=str(approver.approver_id),
        name=approver.name,
        channel=standing_pb2.Channel.Value(f"CHANNEL_{approver.channel}"),
        masked_destination=mask(approver.channel, approver.destination),
        verified=approver.verified,
        profile_id=str(approver.profile_id or ""),
        create_time=created,
    )

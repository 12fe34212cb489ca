"""ContactService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import contact_service_pb2 as pb
from hearthgate.gateway.v1 import contact_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.contacts import Approver
from services.gateway.clients.conversions import client, from_enum, timestamp
from services.gateway.domain.records import Channel, Contact
from services.gateway.use_cases.add_approver import AddApprover, add_approver
from services.gateway.use_cases.complete_contact_change import complete_contact_change
from services.gateway.use_cases.confirm_approver import confirm_approver
from services.gateway.use_cases.contact_codes import EnteredContactCode
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.list_contacts import list_contacts
from services.gateway.use_cases.remove_approver import remove_approver
from services.gateway.use_cases.remove_contact import remove_contact
from services.gateway.use_cases.start_contact_change import StartContactChange, start_contact_change


class ContactServicer(rpc.ContactServiceServicer):
    """Where the owner is reached, and who else of the household."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListContacts(self, request: pb.ListContactsRequest, context: Any) -> pb.ListContactsResponse:
        found = await list_contacts(self._context, request.session_token, client(request.client))
        contacts, approvers = map(_contact, found.contacts), map(_approver, found.approvers)
        return pb.ListContactsResponse(contacts=contacts, approvers=approvers)

    async def StartContactChange(
        self, request: pb.StartContactChangeRequest, context: Any
    ) -> pb.StartContactChangeResponse:
        command = StartContactChange(
            request_id=UUID(request.request_id),
            body_digest=self._context.body_digest(request),
            session_token=request.session_token,
            client=client(request.client),
            channel=_channel(request.channel),
            destination=request.destination,
            password=request.password,
        )
        change = await start_contact_change(self._context, command)
        return pb.StartContactChangeResponse(change_id=str(change.change_id), expire_time=timestamp(change.expire_time))

    async def CompleteContactChange(
        self, request: pb.CompleteContactChangeRequest, context: Any
    ) -> pb.CompleteContactChangeResponse:
        contact = await complete_contact_change(self._context, _entered(request))
        return pb.CompleteContactChangeResponse(contact=_contact(contact))

    async def RemoveContact(self, request: pb.RemoveContactRequest, context: Any) -> pb.RemoveContactResponse:
        removed = await remove_contact(
            self._context,
            UUID(request.request_id),
            request.session_token,
            client(request.client),
            _channel(request.channel),
            request.password,
        )
        return pb.RemoveContactResponse(removed=removed)

    async def AddApprover(self, request: pb.AddApproverRequest, context: Any) -> pb.AddApproverResponse:
        command = AddApprover(
            request_id=UUID(request.request_id),
            body_digest=self._context.body_digest(request),
            session_token=request.session_token,
            client=client(request.client),
            name=request.name,
            channel=_channel(request.channel),
            destination=request.destination,
            profile_id=UUID(request.profile_id) if request.profile_id else None,
            password=request.password,
        )
        change = await add_approver(self._context, command)
        return pb.AddApproverResponse(change_id=str(change.change_id), expire_time=timestamp(change.expire_time))

    async def ConfirmApprover(self, request: pb.ConfirmApproverRequest, context: Any) -> pb.ConfirmApproverResponse:
        approver = await confirm_approver(self._context, _entered(request))
        return pb.ConfirmApproverResponse(approver=_approver(approver))

    async def RemoveApprover(self, request: pb.RemoveApproverRequest, context: Any) -> pb.RemoveApproverResponse:
        asking, approver_id = client(request.client), UUID(request.approver_id)
        removed = await remove_approver(self._context, request.session_token, asking, approver_id, request.password)
        return pb.RemoveApproverResponse(removed=removed)


def _entered(request: pb.CompleteContactChangeRequest | pb.ConfirmApproverRequest) -> EnteredContactCode:
    return EnteredContactCode(
        request_id=UUID(request.request_id),
        session_token=request.session_token,
        client=client(request.client),
        change_id=UUID(request.change_id),
        code=request.code,
    )


def _channel(number: standing_pb2.Channel.ValueType) -> Channel:
    return from_enum(Channel, standing_pb2.Channel, "CHANNEL_", number)


def _contact(contact: Contact) -> pb.OwnerContact:
    return pb.OwnerContact(
        channel=answers.channel(contact.channel),
        masked_destination=contact.masked_destination,
        verified=contact.verified,
    )


def _approver(approver: Approver) -> pb.Approver:
    return pb.Approver(
        approver_id=str(approver.approver_id),
        name=approver.name,
        channel=answers.channel(approver.channel),
        masked_destination=approver.masked_destination,
        verified=approver.verified,
        profile_id=str(approver.profile_id or ""),
        create_time=timestamp(approver.create_time),
    )

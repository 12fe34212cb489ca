"""The gateway's view of identity's contacts. Every method raises ServiceError."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as rpc
from libs.rpc.channel import Channel as RpcChannel
from libs.rpc.channel import call
from services.gateway.clients import conversions
from services.gateway.domain.records import Channel, Contact
from services.gateway.gate import Gate


@dataclass(frozen=True, kw_only=True, slots=True)
class PutContact:
    """A new address or number of the owner, with the password."""

    request_id: UUID
    account_id: UUID
    channel: Channel
    destination: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewApprover:
    """Who is to stand beside the owner, with the owner's password."""

    request_id: UUID
    account_id: UUID
    name: str = field(repr=False)
    channel: Channel
    destination: str = field(repr=False)
    profile_id: UUID | None
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingContact:
    """A contact that waits for its proof; ``taken`` must not reach the asker."""

    contact_id: UUID
    destination: str = field(repr=False)
    language: str
    taken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """The contact as it stands, and the verified one whose place it took."""

    contact: Contact
    former: Contact | None
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Approver:
    """A second adult; an approver only once verified."""

    approver_id: UUID
    name: str = field(repr=False)
    channel: Channel
    masked_destination: str = field(repr=False)
    verified: bool
    profile_id: UUID | None
    create_time: datetime


class ContactsClient:
    """Changes of where an owner is reached, and of the approvers. What takes the password passes ``gate``: OVERLOADED
    beyond it.
    """

    def __init__(self, channel: RpcChannel, gate: Gate) -> None:
        self._stub = rpc.ContactServiceStub(channel)
        self._gate = gate

    async def put_contact(self, new: PutContact) -> WaitingContact:
        """Keep a new contact. Raises INVALID_FIELD, CREDENTIALS_REJECTED."""
        request = pb.PutContactRequest(
            request_id=str(new.request_id),
            account_id=str(new.account_id),
            channel=_channel(new.channel),
            destination=new.destination,
            password=new.password,
        )
        answer = await self._gate.call(self._stub.PutContact, request)
        return WaitingContact(
            contact_id=UUID(answer.contact_id),
            destination=answer.destination,
            language=answer.language,
            taken=answer.taken,
        )

    async def verify_contact(self, account_id: UUID, contact_id: UUID) -> Verified:
        """Put it in use. Raises NOT_FOUND, STATE_CONFLICT."""
        request = pb.VerifyContactRequest(account_id=str(account_id), contact_id=str(contact_id))
        answer = await call(self._stub.VerifyContact, request)
        return Verified(
            contact=conversions.contact(answer.contact),
            former=conversions.contact(answer.former) if answer.HasField("former") else None,
            language=answer.language,
        )

    async def remove_contact(self, account_id: UUID, channel: Channel, password: str) -> bool:
        """Whether there was one. Raises CREDENTIALS_REJECTED."""
        request = pb.RemoveContactRequest(account_id=str(account_id), channel=_channel(channel), password=password)
        return (await self._gate.call(self._stub.RemoveContact, request)).removed

    async def add_approver(self, new: NewApprover) -> WaitingContact:
        """Let somebody wait for their proof. Raises INVALID_FIELD, CREDENTIALS_REJECTED, NOT_FOUND, LIMIT_EXCEEDED."""
        request = pb.AddApproverRequest(
            request_id=str(new.request_id),
            account_id=str(new.account_id),
            name=new.name,
            channel=_channel(new.channel),
            destination=new.destination,
            profile_id=str(new.profile_id or ""),
            password=new.password,
        )
        answer = await self._gate.call(self._stub.AddApprover, request)
        return WaitingContact(
            contact_id=UUID(answer.approver_id), destination=answer.destination, language=answer.language
        )

    async def verify_approver(self, account_id: UUID, approver_id: UUID) -> Approver:
        """Make them an approver. Raises NOT_FOUND, LIMIT_EXCEEDED."""
        request = pb.VerifyApproverRequest(account_id=str(account_id), approver_id=str(approver_id))
        return _approver((await call(self._stub.VerifyApprover, request)).approver)

    async def remove_approver(self, account_id: UUID, approver_id: UUID, password: str) -> bool:
        """Whether there was one. Raises CREDENTIALS_REJECTED."""
        request = pb.RemoveApproverRequest(account_id=str(account_id), approver_id=str(approver_id), password=password)
        return (await self._gate.call(self._stub.RemoveApprover, request)).removed

    async def list_approvers(self, account_id: UUID) -> tuple[Approver, ...]:
        """Oldest first, also those who have yet to prove themselves."""
        answer = await call(self._stub.ListApprovers, pb.ListApproversRequest(account_id=str(account_id)))
        return tuple(_approver(each) for each in answer.approvers)


def _channel(channel: Channel) -> standing_pb2.Channel.ValueType:
    number: standing_pb2.Channel.ValueType = conversions.to_enum(standing_pb2.Channel, "CHANNEL_", channel)
    return number


def _approver(message: pb.Approver) -> Approver:
    return Approver(
        approver_id=UUID(message.approver_id),
        name=message.name,
        channel=conversions.from_enum(Channel, standing_pb2.Channel, "CHANNEL_", message.channel),
        masked_destination=message.masked_destination,
        verified=message.verified,
        profile_id=UUID(message.profile_id) if message.profile_id else None,
        create_time=conversions.moment(message.create_time),
    )

"""The gateway's view of the challenge service. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from hearthgate.common.v1 import standing_pb2
from libs.rpc.channel import Channel as RpcChannel
from libs.rpc.channel import call, call_stream
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field
from services.gateway.clients import conversions
from services.gateway.domain.records import Channel, Client
from services.gateway.domain.verification import (
    Challenge,
    CodeCheck,
    CodeResult,
    NoticeKind,
    Purpose,
    Requester,
    requester_of,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewChallenge:
    """A proof to be asked for; ``destination`` is empty for TRUSTED_DEVICE, ``session_id`` None before there is one."""

    request_id: UUID
    account_id: UUID
    asker: Client
    purpose: Purpose
    channel: Channel
    destination: str
    language: str
    session_id: UUID | None = None

    def __repr__(self) -> str:
        return f"NewChallenge({self.purpose}, {self.channel})"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnteredCode:
    """A code that was entered on a device; ``session_id`` is None where there is no session yet.

    ``contacts``: the destinations whose code counts; None where it goes to an address that is yet to be proved.
    """

    request_id: UUID
    account_id: UUID
    challenge_id: UUID
    client: Client
    session_id: UUID | None
    code: str
    contacts: tuple[str, ...] | None

    def __repr__(self) -> str:
        return f"EnteredCode({self.challenge_id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What somebody is to be told; ``about`` is the device it is about, None where it is about none."""

    request_id: UUID
    account_id: UUID
    kind: NoticeKind
    email: str
    language: str
    about: Requester | None
    event_time: datetime
    ip_address: str = ""
    """Where it was caused from, for a notice that strangers cause, or get."""
    disown_token: str = ""
    """What the "it wasn't me" link carries; empty: no link."""
    number: str = ""
    """Where it goes by text, in place of ``email``."""
    due_time: datetime | None = None
    """When what it speaks of is going to happen, or ends."""
    invitation_token: str = ""

    def __repr__(self) -> str:
        return f"Notice({self.kind})"


class ChallengeClient:
    """Codes, approvals and notices."""

    def __init__(self, channel: RpcChannel) -> None:
        self._stub = rpc.ChallengeServiceStub(channel)

    async def create_challenge(self, new: NewChallenge) -> Challenge:
        """Ask for a proof. Raises INVALID_FIELD, LIMIT_EXCEEDED, CHANNEL_UNAVAILABLE."""
        request = pb.CreateChallengeRequest(
            request_id=str(new.request_id),
            account_id=str(new.account_id),
            requester=conversions.requester(requester_of(new.asker)),
            purpose=conversions.to_enum(pb.ChallengePurpose, "CHALLENGE_PURPOSE_", new.purpose),
            channel=conversions.to_enum(standing_pb2.Channel, "CHANNEL_", new.channel),
            destination=new.destination,
            language=new.language,
            ip_address=new.asker.ip_address,
            session_id=str(new.session_id or ""),
        )
        return conversions.challenge((await call(self._stub.CreateChallenge, request)).challenge)

    async def verify_challenge(self, entered: EnteredCode) -> CodeCheck:
        """Check a code; what comes of it is an answer. Raises LIMIT_EXCEEDED for too many wrong ones from a network."""
        request = pb.VerifyChallengeRequest(
            request_id=str(entered.request_id),
            account_id=str(entered.account_id),
            challenge_id=str(entered.challenge_id),
            device_id=entered.client.device_id,
            code=entered.code,
            session_id=str(entered.session_id or ""),
            ip_address=entered.client.ip_address,
            contacts=None if entered.contacts is None else pb.PresentContacts(destinations=entered.contacts),
        )
        answer = await call(self._stub.VerifyChallenge, request)
        return CodeCheck(
            result=conversions.from_enum(CodeResult, pb.VerificationResult, "VERIFICATION_RESULT_", answer.result),
            challenge=conversions.challenge(answer.challenge) if answer.HasField("challenge") else None,
        )

    async def end_challenges(self, account_id: UUID, contacts: Sequence[str]) -> None:
        """End pending codes that went to none of these destinations."""
        present = pb.PresentContacts(destinations=contacts)
        await call(self._stub.EndChallenges, pb.EndChallengesRequest(account_id=str(account_id), contacts=present))

    async def decide_challenge(
        self, account_id: UUID, challenge_id: UUID, deciding_device_id: str, *, approve: bool
    ) -> Challenge:
        """Take a household device's answer. Raises NOT_FOUND, STATE_CONFLICT; INVALID_FIELD for its own question."""
        request = pb.DecideChallengeRequest(
            account_id=str(account_id),
            challenge_id=str(challenge_id),
            deciding_device_id=deciding_device_id,
            approve=approve,
        )
        try:
            return conversions.challenge((await call(self._stub.DecideChallenge, request)).challenge)
        except ServiceError as error:
            # The field that is wrong there is none of our callers': they named a verification.
            if error.reason is ErrorReason.INVALID_FIELD:
                raise invalid_field("verification_id", "is what this device asks itself") from error
            raise

    async def get_challenge(self, account_id: UUID, challenge_id: UUID) -> Challenge:
        """A challenge. Raises NOT_FOUND."""
        request = pb.GetChallengeRequest(account_id=str(account_id), challenge_id=str(challenge_id))
        return conversions.challenge((await call(self._stub.GetChallenge, request)).challenge)

    async def list_pending_challenges(self, account_id: UUID) -> tuple[Challenge, ...]:
        """What waits for an answer, newest first."""
        request = pb.ListPendingChallengesRequest(account_id=str(account_id))
        answer = await call(self._stub.ListPendingChallenges, request)
        return tuple(conversions.challenge(each) for each in answer.challenges)

    async def watch_challenge(self, account_id: UUID, challenge_id: UUID) -> AsyncGenerator[Challenge]:
        """A challenge as it stands and each change of it. Close it when leaving early."""
        request = pb.WatchChallengeRequest(account_id=str(account_id), challenge_id=str(challenge_id))
        async with aclosing(call_stream(self._stub.WatchChallenge, request)) as messages:
            async for message in messages:
                yield conversions.challenge(message.challenge)

    async def notify(self, notice: Notice) -> None:
        """Tell somebody, by email unless there is a number."""
        request = pb.NotifyRequest(
            request_id=str(notice.request_id),
            account_id=str(notice.account_id),
            kind=conversions.to_enum(pb.NoticeKind, "NOTICE_KIND_", notice.kind),
            channel=standing_pb2.CHANNEL_TEXT if notice.number else standing_pb2.CHANNEL_EMAIL,
            destination=notice.number or notice.email,
            language=notice.language,
            requester=conversions.requester(notice.about) if notice.about else None,
            event_time=conversions.timestamp(notice.event_time),
            ip_address=notice.ip_address,
            disown_token=notice.disown_token,
            due_time=conversions.timestamp(notice.due_time),
            invitation_token=notice.invitation_token,
        )
        await call(self._stub.Notify, request)

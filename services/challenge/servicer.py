"""The gRPC service: reads requests, calls use cases, writes answers. No rules here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

import grpc

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.challenge import conversions
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.create_challenge import CreateChallenge, create_challenge
from services.challenge.use_cases.decide_challenge import DecideChallenge, decide_challenge
from services.challenge.use_cases.end_challenges import end_challenges
from services.challenge.use_cases.get_challenge import get_challenge
from services.challenge.use_cases.list_dead_letters import list_dead_letters
from services.challenge.use_cases.list_pending_challenges import list_pending_challenges
from services.challenge.use_cases.notify import Notify, notify
from services.challenge.use_cases.report_receipt import report_receipt
from services.challenge.use_cases.resend_challenge import ResendChallenge, resend_challenge
from services.challenge.use_cases.unsubscribe import unsubscribe
from services.challenge.use_cases.verify_challenge import VerifyChallenge, verify_challenge
from services.challenge.use_cases.watch_challenge import watch_challenge

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["ChallengeService"].full_name
_GATEWAY: Final = frozenset({"gateway"})
_OPERATOR: Final = frozenset({"operator"})

RpcContext = grpc.aio.ServicerContext[Any, Any]


class ChallengeServicer(rpc.ChallengeServiceServicer):
    """``hearthgate.challenge.v1.ChallengeService``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateChallenge(self, request: pb.CreateChallengeRequest, _: RpcContext) -> pb.CreateChallengeResponse:
        """Asks a person for a proof."""
        command = CreateChallenge(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            requester=conversions.requester_from(request.requester),
            purpose=conversions.purpose_from(request.purpose),
            channel=conversions.channel_from(request.channel),
            destination=request.destination,
            language=request.language,
            ip_address=request.ip_address,
            session_id=_session(request.session_id),
            body=conversions.body_of(request),
        )
        view = await create_challenge(command, context=self._context)
        return pb.CreateChallengeResponse(challenge=conversions.challenge_to(view))

    async def ResendChallenge(self, request: pb.ResendChallengeRequest, _: RpcContext) -> pb.ResendChallengeResponse:
        """Sends the same code again."""
        command = ResendChallenge(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            challenge_id=parse_uuid(request.challenge_id, "challenge_id"),
            destination=request.destination,
            ip_address=request.ip_address,
            body=conversions.body_of(request),
        )
        view = await resend_challenge(command, context=self._context)
        return pb.ResendChallengeResponse(challenge=conversions.challenge_to(view))

    async def VerifyChallenge(self, request: pb.VerifyChallengeRequest, _: RpcContext) -> pb.VerifyChallengeResponse:
        """Checks a code."""
        command = VerifyChallenge(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            challenge_id=parse_uuid(request.challenge_id, "challenge_id"),
            device_id=request.device_id,
            session_id=_session(request.session_id),
            ip_address=request.ip_address,
            code=request.code,
            body=conversions.body_of(request),
            contacts=tuple(request.contacts.destinations) if request.HasField("contacts") else None,
        )
        return conversions.verification_to(await verify_challenge(command, context=self._context))

    async def EndChallenges(self, request: pb.EndChallengesRequest, _: RpcContext) -> pb.EndChallengesResponse:
        """Ends codes whose contact is gone."""
        account_id = parse_uuid(request.account_id, "account_id")
        ended = await end_challenges(account_id, request.contacts.destinations, context=self._context)
        return pb.EndChallengesResponse(ended_count=ended)

    async def DecideChallenge(self, request: pb.DecideChallengeRequest, _: RpcContext) -> pb.DecideChallengeResponse:
        """Takes a household device's answer."""
        command = DecideChallenge(
            account_id=parse_uuid(request.account_id, "account_id"),
            challenge_id=parse_uuid(request.challenge_id, "challenge_id"),
            deciding_device_id=request.deciding_device_id,
            approve=request.approve,
        )
        view = await decide_challenge(command, context=self._context)
        return pb.DecideChallengeResponse(challenge=conversions.challenge_to(view))

    async def GetChallenge(self, request: pb.GetChallengeRequest, _: RpcContext) -> pb.GetChallengeResponse:
        """Reads a challenge."""
        account_id = parse_uuid(request.account_id, "account_id")
        challenge_id = parse_uuid(request.challenge_id, "challenge_id")
        view = await get_challenge(account_id, challenge_id, context=self._context)
        return pb.GetChallengeResponse(challenge=conversions.challenge_to(view))

    async def ListPendingChallenges(
        self, request: pb.ListPendingChallengesRequest, _: RpcContext
    ) -> pb.ListPendingChallengesResponse:
        """Lists what an account is being asked."""
        account_id = parse_uuid(request.account_id, "account_id")
        views = await list_pending_challenges(account_id, context=self._context)
        return pb.ListPendingChallengesResponse(challenges=conversions.challenges_to(views))

    async def WatchChallenge(
        self, request: pb.WatchChallengeRequest, _: RpcContext
    ) -> AsyncIterator[pb.WatchChallengeResponse]:
        """Streams a challenge and its changes."""
        account_id = parse_uuid(request.account_id, "account_id")
        challenge_id = parse_uuid(request.challenge_id, "challenge_id")
        async with aclosing(watch_challenge(account_id, challenge_id, context=self._context)) as views:
            async for view in views:
                yield pb.WatchChallengeResponse(challenge=conversions.challenge_to(view))

    async def Notify(self, request: pb.NotifyRequest, _: RpcContext) -> pb.NotifyResponse:
        """Tells an owner what happened."""
        due = request.HasField("due_time")
        command = Notify(
            request_id=parse_uuid(request.request_id, "request_id"),
            account_id=parse_uuid(request.account_id, "account_id"),
            kind=conversions.notice_kind_from(request.kind),
            channel=conversions.channel_from(request.channel),
            destination=request.destination,
            language=request.language,
            requester=conversions.requester_from(request.requester) if request.HasField("requester") else None,
            event_time=conversions.time_from(request.event_time, "event_time"),
            due_time=conversions.time_from(request.due_time, "due_time") if due else None,
            ip_address=request.ip_address,
            disown_token=request.disown_token,
            body=conversions.body_of(request),
            invitation_token=request.invitation_token,
        )
        delivery = await notify(command, context=self._context)
        return pb.NotifyResponse(delivery=conversions.delivery_to(delivery))

    async def ReportReceipt(self, request: pb.ReportReceiptRequest, _: RpcContext) -> pb.ReportReceiptResponse:
        """Takes a provider's word."""
        delivery = await report_receipt(
            parse_uuid(request.account_id, "account_id"),
            parse_uuid(request.delivery_id, "delivery_id"),
            conversions.delivery_state_from(request.state),
            context=self._context,
        )
        return pb.ReportReceiptResponse(delivery=conversions.delivery_to(delivery))

    async def Unsubscribe(self, request: pb.UnsubscribeRequest, _: RpcContext) -> pb.UnsubscribeResponse:
        """Ends notices of one kind to one address."""
        kind = await unsubscribe(request.token, context=self._context)
        return pb.UnsubscribeResponse(kind=conversions.notice_kind_to(kind))

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, _: RpcContext) -> pb.ListDeadLettersResponse:
        """Lists messages that were given up."""
        since = conversions.time_from(request.since_time, "since_time") if request.HasField("since_time") else None
        letters = await list_dead_letters(request.page_size, since, context=self._context)
        return pb.ListDeadLettersResponse(dead_letters=[conversions.dead_letter_to(each) for each in letters])


def registration(context: Context) -> Registration:
    """The service and who may call it."""
    return Registration(
        add=rpc.add_ChallengeServiceServicer_to_server,
        servicer=ChallengeServicer(context),
        service_name=SERVICE_NAME,
        allowed_callers=_GATEWAY,
        by_method={
            "GetChallenge": _GATEWAY | _OPERATOR,
            "ReportReceipt": _OPERATOR,
            "Unsubscribe": _GATEWAY | _OPERATOR,
            "ListDeadLetters": _OPERATOR,
        },
    )


def _session(text: str) -> UUID | None:
    return parse_uuid(text, "session_id") if text else None

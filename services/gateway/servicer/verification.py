"""VerificationService over the use cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from hearthgate.gateway.v1 import verification_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.conversions import client, from_enum, timestamp
from services.gateway.domain.records import Channel
from services.gateway.use_cases.approve_device import approve_device
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.defer_verification import defer_verification
from services.gateway.use_cases.list_pending_verifications import list_pending_verifications
from services.gateway.use_cases.reject_device import reject_device
from services.gateway.use_cases.request_verification import RequestVerification, request_verification
from services.gateway.use_cases.submit_code import SubmitCode, submit_code
from services.gateway.use_cases.watch_verification import watch_verification


class VerificationServicer(rpc.VerificationServiceServicer):
    """How a device verifies, and how the household answers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def RequestVerification(
        self, request: pb.RequestVerificationRequest, context: Any
    ) -> pb.RequestVerificationResponse:
        command = RequestVerification(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            channel=from_enum(Channel, standing_pb2.Channel, "CHANNEL_", request.channel),
            contact_id=_optional(request.contact_id),
        )
        challenge = await request_verification(self._context, command)
        return pb.RequestVerificationResponse(verification=answers.verification_status(challenge))

    async def SubmitCode(self, request: pb.SubmitCodeRequest, context: Any) -> pb.SubmitCodeResponse:
        command = SubmitCode(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            verification_id=UUID(request.verification_id),
            code=request.code,
        )
        answer = await submit_code(self._context, command)
        return pb.SubmitCodeResponse(
            result=answers.code_result(answer.result),
            attempts_left=answer.attempts_left,
            standing=answers.standing(answer.assessment.standing),
            standing_expire_time=timestamp(answer.assessment.expire_time),
            allowances=answers.allowances(answer.assessment.allowances),
        )

    async def DeferVerification(
        self, request: pb.DeferVerificationRequest, context: Any
    ) -> pb.DeferVerificationResponse:
        assessment = await defer_verification(
            self._context, UUID(request.request_id), request.session_token, client(request.client)
        )
        return pb.DeferVerificationResponse(
            deadline=timestamp(assessment.expire_time), allowances=answers.allowances(assessment.allowances)
        )

    async def ListPendingVerifications(
        self, request: pb.ListPendingVerificationsRequest, context: Any
    ) -> pb.ListPendingVerificationsResponse:
        pending = await list_pending_verifications(
            self._context, request.session_token, client(request.client), _optional(request.profile_id)
        )
        return pb.ListPendingVerificationsResponse(
            verifications=[answers.verification_status(each) for each in pending]
        )

    async def ApproveDevice(self, request: pb.ApproveDeviceRequest, context: Any) -> pb.ApproveDeviceResponse:
        challenge = await approve_device(
            self._context,
            UUID(request.request_id),
            request.session_token,
            client(request.client),
            UUID(request.verification_id),
            _optional(request.profile_id),
        )
        return pb.ApproveDeviceResponse(verification=answers.verification_status(challenge))

    async def RejectDevice(self, request: pb.RejectDeviceRequest, context: Any) -> pb.RejectDeviceResponse:
        rejected = await reject_device(
            self._context,
            UUID(request.request_id),
            request.session_token,
            client(request.client),
            UUID(request.verification_id),
            _optional(request.profile_id),
        )
        return pb.RejectDeviceResponse(
            verification=answers.verification_status(rejected.challenge),
            ended_session_count=rejected.ended.sessions,
            ended_stream_count=rejected.ended.streams,
        )

    async def WatchVerification(
        self, request: pb.WatchVerificationRequest, context: Any
    ) -> AsyncIterator[pb.WatchVerificationResponse]:
        watching = watch_verification(
            self._context, request.session_token, client(request.client), UUID(request.verification_id)
        )
        async with aclosing(watching) as changes:
            async for challenge in changes:
                yield pb.WatchVerificationResponse(verification=answers.verification_status(challenge))


def _optional(text: str) -> UUID | None:
    return UUID(text) if text else None

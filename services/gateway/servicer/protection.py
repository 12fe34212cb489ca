"""ProtectionService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import protection_service_pb2 as pb
from hearthgate.gateway.v1 import protection_service_pb2_grpc as rpc
from services.gateway.clients.conversions import client
from services.gateway.use_cases.change_password import ChangePassword, change_password
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.disown_sign_in import disown_sign_in


class ProtectionServicer(rpc.ProtectionServiceServicer):
    """How an owner takes an account back, and keeps it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def DisownSignIn(self, request: pb.DisownSignInRequest, context: Any) -> pb.DisownSignInResponse:
        disowned = await disown_sign_in(self._context, request.token)
        return pb.DisownSignInResponse(
            ended_session_count=disowned.ended.sessions,
            ended_stream_count=disowned.ended.streams,
            password_reset_required=disowned.reset_required,
        )

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        command = ChangePassword(
            request_id=UUID(request.request_id),
            session_token=request.session_token,
            client=client(request.client),
            current_password=request.current_password,
            password=request.password,
        )
        ended = await change_password(self._context, command)
        return pb.ChangePasswordResponse(ended_session_count=ended.sessions, ended_stream_count=ended.streams)

"""ProfileService over the use cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.gateway.v1 import profile_service_pb2 as pb
from hearthgate.gateway.v1 import profile_service_pb2_grpc as rpc
from services.gateway import answers
from services.gateway.clients.conversions import client
from services.gateway.use_cases.check_profile_pin import check_profile_pin
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.set_profile_pin import set_profile_pin


class ProfileServicer(rpc.ProfileServiceServicer):
    """PINs of profiles."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def SetProfilePin(self, request: pb.SetProfilePinRequest, context: Any) -> pb.SetProfilePinResponse:
        asking, profile_id = client(request.client), UUID(request.profile_id)
        profile = await set_profile_pin(self._context, request.session_token, asking, profile_id, request.pin)
        return pb.SetProfilePinResponse(profile=answers.profile(profile))

    async def CheckProfilePin(self, request: pb.CheckProfilePinRequest, context: Any) -> pb.CheckProfilePinResponse:
        asking, profile_id = client(request.client), UUID(request.profile_id)
        check = await check_profile_pin(self._context, request.session_token, asking, profile_id, request.pin)
        return pb.CheckProfilePinResponse(right=check.right, attempts_left=check.attempts_left)

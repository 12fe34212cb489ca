"""ProfileService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import grpc

from hearthgate.identity.v1 import profile_service_pb2 as pb
from hearthgate.identity.v1 import profile_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity.conversions import profile_message
from services.identity.use_cases.check_profile_pin import check_profile_pin
from services.identity.use_cases.context import Identity
from services.identity.use_cases.return_profile import LeftBehind, ReturnProfile, return_profile
from services.identity.use_cases.set_profile_pin import set_profile_pin

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["ProfileService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


def profile_registration(identity: Identity) -> Registration:
    """The service with its one caller, the gateway."""
    return Registration(
        add=rpc.add_ProfileServiceServicer_to_server,
        servicer=ProfileServicer(identity),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
    )


class ProfileServicer(rpc.ProfileServiceServicer):
    """PINs, and the way back for a profile that moved."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def SetProfilePin(self, request: pb.SetProfilePinRequest, context: Context) -> pb.SetProfilePinResponse:
        account_id, profile_id = _ids(request)
        profile = await set_profile_pin(account_id, profile_id, request.pin, identity=self._identity)
        return pb.SetProfilePinResponse(profile=profile_message(profile))

    async def CheckProfilePin(self, request: pb.CheckProfilePinRequest, context: Context) -> pb.CheckProfilePinResponse:
        account_id, profile_id = _ids(request)
        check = await check_profile_pin(account_id, profile_id, request.pin, identity=self._identity)
        return pb.CheckProfilePinResponse(right=check.right, attempts_left=check.attempts_left)

    async def ReturnProfile(self, request: pb.ReturnProfileRequest, context: Context) -> pb.ReturnProfileResponse:
        command = ReturnProfile(
            source=parse_uuid(request.source_account_id, "source_account_id"),
            profile_id=parse_uuid(request.profile_id, "profile_id"),
            target=parse_uuid(request.target_account_id, "target_account_id"),
            left_behind=LeftBehind(pb.LeftBehind.Name(request.left_behind).removeprefix("LEFT_BEHIND_")),
            fresh_profile_id=parse_uuid(request.fresh_profile_id, "fresh_profile_id"),
            dry_run=request.dry_run,
            spare=parse_uuid(request.spare_profile_id, "spare_profile_id") if request.spare_profile_id else None,
        )
        returned = await return_profile(command, identity=self._identity)
        return pb.ReturnProfileResponse(profile=profile_message(returned.profile), closed=returned.closed)


def _ids(request: pb.SetProfilePinRequest | pb.CheckProfilePinRequest) -> tuple[UUID, UUID]:
    return parse_uuid(request.account_id, "account_id"), parse_uuid(request.profile_id, "profile_id")

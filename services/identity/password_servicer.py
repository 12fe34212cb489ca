"""PasswordService: parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final

import grpc

from hearthgate.identity.v1 import password_service_pb2 as pb
from hearthgate.identity.v1 import password_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from services.identity.meter import Meter
from services.identity.use_cases.check_password import check_password
from services.identity.use_cases.context import Identity

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["PasswordService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


def registration(identity: Identity, meter: Meter) -> Registration:
    """The service with the callers that its contract names."""
    return Registration(
        add=rpc.add_PasswordServiceServicer_to_server,
        servicer=PasswordServicer(identity, meter),
        service_name=SERVICE_NAME,
        allowed_callers=frozenset({"gateway"}),
    )


class PasswordServicer(rpc.PasswordServiceServicer):
    """The gRPC face of the meter; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity, meter: Meter) -> None:
        self._identity = identity
        self._meter = meter

    async def CheckPassword(self, request: pb.CheckPasswordRequest, context: Context) -> pb.CheckPasswordResponse:
        checked = await check_password(
            request.password, request.email, request.profile_name, identity=self._identity, meter=self._meter
        )
        strength = checked.strength
        warning = f"PASSWORD_WARNING_{strength.warning or 'UNSPECIFIED'}"
        return pb.CheckPasswordResponse(
            score=strength.score,
            guesses_log10=strength.guesses_log10,
            warning=pb.PasswordWarning.Value(warning),
            suggestions=[pb.PasswordSuggestion.Value(f"PASSWORD_SUGGESTION_{each}") for each in strength.suggestions],
            refusal=pb.PasswordRefusal.Value(f"PASSWORD_REFUSAL_{checked.refusal or 'UNSPECIFIED'}"),
        )

"""ProtectionService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final

from hearthgate.identity.v1 import protection_service_pb2 as pb
from hearthgate.identity.v1 import protection_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity.domain.protection import ResetDemandReason
from services.identity.use_cases.context import Identity
from services.identity.use_cases.demand_password_reset import demand_password_reset

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["ProtectionService"].full_name
_GATEWAY: Final = frozenset({"gateway"})


def protection_registration(identity: Identity) -> Registration:
    """The service with the callers that its contract names."""
    return Registration(
        add=rpc.add_ProtectionServiceServicer_to_server,
        servicer=ProtectionServicer(identity),
        service_name=SERVICE_NAME,
        allowed_callers=_GATEWAY,
        by_method={"DemandPasswordReset": _GATEWAY | {"operator"}},
    )


class ProtectionServicer(rpc.ProtectionServiceServicer):
    """The gRPC face of the use cases; the contract's comments stand in the proto."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def DemandPasswordReset(
        self, request: pb.DemandPasswordResetRequest, context: Any
    ) -> pb.DemandPasswordResetResponse:
        demanded = await demand_password_reset(
            parse_uuid(request.request_id, "request_id"),
            parse_uuid(request.account_id, "account_id"),
            ResetDemandReason(pb.ResetDemandReason.Name(request.reason).removeprefix("RESET_DEMAND_REASON_")),
            list(request.keep_device_ids),
            identity=self._identity,
        )
        return pb.DemandPasswordResetResponse(ended_count=demanded.ended, settled=demanded.settled)

"""ProtectionService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import protection_service_pb2 as pb
from hearthgate.identity.v1 import protection_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.ids import parse_uuid
from services.identity.domain.protection import Credential, ResetDemandReason
from services.identity.use_cases.context import Identity
from services.identity.use_cases.demand_password_reset import demand_password_reset
from services.identity.use_cases.get_credential_state import get_credential_state

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


def credential_state_message(credential: Credential) -> identity_pb.CredentialState:
    """The contract's credential state."""
    set_time = Timestamp()
    set_time.FromDatetime(credential.set_time)
    return identity_pb.CredentialState(reset_required=credential.reset_required, set_time=set_time)


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

    async def GetCredentialState(
        self, request: pb.GetCredentialStateRequest, context: Any
    ) -> pb.GetCredentialStateResponse:
        account_id = parse_uuid(request.account_id, "account_id")
        credential = await get_credential_state(account_id, identity=self._identity)
        return pb.GetCredentialStateResponse(credential_state=credential_state_message(credential))

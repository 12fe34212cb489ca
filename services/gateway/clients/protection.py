"""The gateway's view of identity's protection of passwords. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hearthgate.identity.v1 import protection_service_pb2 as pb
from hearthgate.identity.v1 import protection_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call


class ProtectionClient:
    """Demanded resets, and how passwords stand."""

    def __init__(self, channel: Channel) -> None:
        self._stub = rpc.ProtectionServiceStub(channel)

    async def demand_password_reset(
        self, demand_id: UUID, account_id: UUID, keep_device_ids: Sequence[str]
    ) -> tuple[int, bool]:
        """Let the password open nothing; how many sessions ended, and whether this demand was settled before.

        Raises NOT_FOUND.
        """
        request = pb.DemandPasswordResetRequest(
            request_id=str(demand_id),
            account_id=str(account_id),
            reason=pb.RESET_DEMAND_REASON_NOT_ME,
            keep_device_ids=keep_device_ids,
        )
        answer = await call(self._stub.DemandPasswordReset, request)
        return answer.ended_count, answer.settled

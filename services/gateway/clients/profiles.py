"""The gateway's view of identity's ProfileService. Every method raises ServiceError."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from hearthgate.identity.v1 import profile_service_pb2 as pb
from hearthgate.identity.v1 import profile_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call
from services.gateway.clients import conversions
from services.gateway.domain.records import Profile
from services.gateway.gate import Gate


@dataclass(frozen=True, kw_only=True, slots=True)
class PinCheck:
    """What came of a PIN."""

    right: bool
    attempts_left: int


class ProfileClient:
    """PINs, which pass ``gate`` (OVERLOADED beyond it), and the way back for a profile that moved."""

    def __init__(self, channel: Channel, gate: Gate) -> None:
        self._stub = rpc.ProfileServiceStub(channel)
        self._gate = gate

    async def set_pin(self, account_id: UUID, profile_id: UUID, pin: str) -> Profile:
        """Lock a profile; an empty PIN unlocks it. Raises NOT_FOUND."""
        request = pb.SetProfilePinRequest(account_id=str(account_id), profile_id=str(profile_id), pin=pin)
        return conversions.profile((await self._gate.call(self._stub.SetProfilePin, request)).profile)

    async def check_pin(self, account_id: UUID, profile_id: UUID, pin: str) -> PinCheck:
        """Whether it is the profile's PIN. Raises NOT_FOUND, LIMIT_EXCEEDED."""
        request = pb.CheckProfilePinRequest(account_id=str(account_id), profile_id=str(profile_id), pin=pin)
        answer = await self._gate.call(self._stub.CheckProfilePin, request)
        return PinCheck(right=answer.right, attempts_left=answer.attempts_left)

    async def return_profile(
        self,
        source_account_id: UUID,
        profile_id: UUID,
        target_account_id: UUID,
        fresh_profile_id: UUID,
        *,
        close_if_empty: bool,
        spare_profile_id: UUID | None = None,
        dry_run: bool = False,
    ) -> None:
        """Bring a profile back from the target, or only look whether it could be; a spare profile keeps nothing open.

        Raises NOT_FOUND, STATE_CONFLICT.
        """
        left = pb.LEFT_BEHIND_CLOSED_IF_EMPTY if close_if_empty else pb.LEFT_BEHIND_FRESH_PROFILE
        request = pb.ReturnProfileRequest(
            source_account_id=str(source_account_id),
            profile_id=str(profile_id),
            target_account_id=str(target_account_id),
            left_behind=left,
            fresh_profile_id=str(fresh_profile_id),
            dry_run=dry_run,
            spare_profile_id=str(spare_profile_id) if spare_profile_id else "",
        )
        await call(self._stub.ReturnProfile, request)

"""The gateway's view of device_trust. Every method raises ServiceError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call
from services.gateway.clients import conversions
from services.gateway.domain.records import Allowances, Assessment, Client, Standing
from services.gateway.domain.verification import Basis, Requester, RevocationReason


class SightingKind(StrEnum):
    """What a device was doing when it was seen."""

    SIGN_IN = "SIGN_IN"
    START = "START"
    HEARTBEAT = "HEARTBEAT"
    STOP = "STOP"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A device seen for an account."""

    sighting_id: UUID
    account_id: UUID
    profile_id: UUID | None
    kind: SightingKind
    event_time: datetime
    client: Client
    refused: bool = False
    """Whether it was not let in: then the account knows the device, and nothing is learned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSummary:
    """A device as its owner sees it."""

    device_id: str
    device_kind: int
    device_name: str
    platform: int
    standing: Standing
    last_seen_time: datetime
    country_code: str

    def as_requester(self) -> Requester:
        """The device as a notice describes it."""
        return Requester(
            device_id=self.device_id,
            device_kind=self.device_kind,
            device_name=self.device_name,
            platform=self.platform,
            country_code=self.country_code,
        )


class DeviceTrustClient:
    """Standings, sightings and allowances."""

    def __init__(self, channel: Channel) -> None:
        self._stub = rpc.DeviceTrustServiceStub(channel)

    async def record_sightings(self, sightings: Sequence[Sighting]) -> None:
        """Tell where and when devices were seen (at most 1,000)."""
        request = pb.RecordSightingsRequest(sightings=[_sighting(each) for each in sightings])
        await call(self._stub.RecordSightings, request)

    async def assess_device(
        self, account_id: UUID, client: Client, kind: SightingKind, profile_id: UUID | None = None
    ) -> Assessment:
        """What a device, seen as this client, is to an account; ``profile_id`` is asked for, where one is known."""
        request = pb.AssessDeviceRequest(
            account_id=str(account_id),
            client=conversions.client_context(client),
            kind=conversions.to_enum(pb.SightingKind, "SIGHTING_KIND_", kind),
            profile_id=str(profile_id) if profile_id else "",
        )
        return conversions.assessment((await call(self._stub.AssessDevice, request)).assessment)

    async def confirm_device(self, request_id: UUID, account_id: UUID, client: Client, basis: Basis) -> Assessment:
        """Let a device in on a proof. Raises ALLOWANCE_EXHAUSTED, STATE_CONFLICT."""
        request = pb.ConfirmDeviceRequest(
            request_id=str(request_id),
            account_id=str(account_id),
            client=conversions.client_context(client),
            basis=conversions.to_enum(pb.ConfirmationBasis, "CONFIRMATION_BASIS_", basis),
        )
        return conversions.assessment((await call(self._stub.ConfirmDevice, request)).assessment)

    async def defer_verification(self, request_id: UUID, account_id: UUID, client: Client) -> Assessment:
        """Give a device time. Raises ALLOWANCE_EXHAUSTED, STATE_CONFLICT."""
        request = pb.DeferVerificationRequest(
            request_id=str(request_id), account_id=str(account_id), client=conversions.client_context(client)
        )
        return conversions.assessment((await call(self._stub.DeferVerification, request)).assessment)

    async def list_devices(self, account_id: UUID) -> tuple[DeviceSummary, ...]:
        """An account's devices, last seen first."""
        answer = await call(self._stub.ListDevices, pb.ListDevicesRequest(account_id=str(account_id)))
        return tuple(_summary(each) for each in answer.devices)

    async def revoke_device(self, account_id: UUID, device_id: str, reason: RevocationReason) -> None:
        """Shut a device out. Raises NOT_FOUND."""
        request = pb.RevokeDeviceRequest(
            account_id=str(account_id),
            device_id=device_id,
            reason=conversions.to_enum(pb.RevocationReason, "REVOCATION_REASON_", reason),
        )
        await call(self._stub.RevokeDevice, request)

    async def lift_revocation(self, account_id: UUID, device_id: str) -> None:
        """Let a device back in that had moved away; never as a member. Raises NOT_FOUND."""
        await call(self._stub.LiftRevocation, pb.LiftRevocationRequest(account_id=str(account_id), device_id=device_id))

    async def declare_residence(self, request_id: UUID, account_id: UUID, client: Client, name: str) -> UUID:
        """Declare the place a device is at as a residence. Raises STATE_CONFLICT, LIMIT_EXCEEDED."""
        request = pb.DeclareResidenceRequest(
            request_id=str(request_id),
            account_id=str(account_id),
            client=conversions.client_context(client),
            name=name,
        )
        return UUID((await call(self._stub.DeclareResidence, request)).residence.residence_id)

    async def declare_travel(
        self, request_id: UUID, account_id: UUID, country_code: str, start: datetime, end: datetime
    ) -> Allowances:
        """Declare days of travel. Raises ALLOWANCE_EXHAUSTED, INVALID_FIELD."""
        request = pb.DeclareTravelRequest(
            request_id=str(request_id),
            account_id=str(account_id),
            country_code=country_code,
            start_time=conversions.timestamp(start),
            end_time=conversions.timestamp(end),
        )
        return conversions.allowances((await call(self._stub.DeclareTravel, request)).allowances)


def _sighting(sighting: Sighting) -> pb.Sighting:
    return pb.Sighting(
        sighting_id=str(sighting.sighting_id),
        account_id=str(sighting.account_id),
        profile_id=str(sighting.profile_id) if sighting.profile_id else "",
        kind=conversions.to_enum(pb.SightingKind, "SIGHTING_KIND_", sighting.kind),
        event_time=conversions.timestamp(sighting.event_time),
        client=conversions.client_context(sighting.client),
        refused=sighting.refused,
    )


def _summary(message: pb.DeviceSummary) -> DeviceSummary:
    return DeviceSummary(
        device_id=message.device_id,
        device_kind=message.kind,
        device_name=message.name,
        platform=message.platform,
        standing=conversions.standing(message.standing),
        last_seen_time=conversions.moment(message.last_seen_time),
        country_code=message.country_code,
    )

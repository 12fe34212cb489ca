"""The gRPC service: messages to records, the use case, records to messages. No rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.runtime.ids import parse_uuid
from services.device_trust import conversions as convert
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.records import Standing, Travel
from services.device_trust.storage.requests import Request, request_digest
from services.device_trust.use_cases.assess_device import assess_device
from services.device_trust.use_cases.confirm_device import confirm_device
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.declare_residence import declare_residence
from services.device_trust.use_cases.declare_travel import declare_travel
from services.device_trust.use_cases.defer_verification import defer_verification
from services.device_trust.use_cases.get_household import get_household
from services.device_trust.use_cases.lift_revocation import lift_revocation
from services.device_trust.use_cases.list_devices import list_devices
from services.device_trust.use_cases.record_sightings import record_sightings
from services.device_trust.use_cases.revoke_device import revoke_device


class DeviceTrustServicer(rpc.DeviceTrustServiceServicer):
    """``hearthgate.devicetrust.v1.DeviceTrustService``."""

    def __init__(self, context: Context, hasher: NetworkHasher) -> None:
        self._context = context
        self._hasher = hasher

    async def RecordSightings(self, request: pb.RecordSightingsRequest, context: Any) -> pb.RecordSightingsResponse:
        """Takes in where and when devices were seen."""
        sightings = [convert.sighting_from(each, self._hasher, i) for i, each in enumerate(request.sightings)]
        refused = {convert.sighting_id_from(each, i) for i, each in enumerate(request.sightings) if each.refused}
        return pb.RecordSightingsResponse(recorded_count=await record_sightings(self._context, sightings, refused))

    async def AssessDevice(self, request: pb.AssessDeviceRequest, context: Any) -> pb.AssessDeviceResponse:
        """Tells what a device is to an account."""
        client = convert.client_from(request.client, self._hasher, profile_id=request.profile_id)
        assessment = await assess_device(self._context, convert.account_from(request.account_id), client)
        return pb.AssessDeviceResponse(assessment=convert.assessment_to(assessment))

    async def ConfirmDevice(self, request: pb.ConfirmDeviceRequest, context: Any) -> pb.ConfirmDeviceResponse:
        """Lets a device in on a proof."""
        client, basis = convert.client_from(request.client, self._hasher), convert.basis_from(request.basis)
        asked = _asked(request.account_id, request.request_id, "ConfirmDevice", client.device_id, basis)
        assessment = await confirm_device(self._context, asked, client, basis)
        return pb.ConfirmDeviceResponse(assessment=convert.assessment_to(assessment))

    async def DeferVerification(
        self, request: pb.DeferVerificationRequest, context: Any
    ) -> pb.DeferVerificationResponse:
        """Gives a device time to verify later."""
        client = convert.client_from(request.client, self._hasher)
        asked = _asked(request.account_id, request.request_id, "DeferVerification", client.device_id)
        assessment = await defer_verification(self._context, asked, client)
        return pb.DeferVerificationResponse(assessment=convert.assessment_to(assessment))

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Any) -> pb.ListDevicesResponse:
        """Lists an account's devices."""
        devices = await list_devices(self._context, convert.account_from(request.account_id))
        return pb.ListDevicesResponse(devices=[convert.device_to(*each) for each in devices])

    async def RevokeDevice(self, request: pb.RevokeDeviceRequest, context: Any) -> pb.RevokeDeviceResponse:
        """Shuts a device out of an account."""
        account_id, reason = convert.account_from(request.account_id), convert.reason_from(request.reason)
        device = await revoke_device(self._context, account_id, request.device_id, reason)
        return pb.RevokeDeviceResponse(device=convert.device_to(device, Standing.REVOKED))

    async def LiftRevocation(self, request: pb.LiftRevocationRequest, context: Any) -> pb.LiftRevocationResponse:
        """Lets a device back in whose viewer had moved away."""
        account_id = convert.account_from(request.account_id)
        device, standing = await lift_revocation(self._context, account_id, request.device_id)
        return pb.LiftRevocationResponse(device=convert.device_to(device, standing))

    async def GetHousehold(self, request: pb.GetHouseholdRequest, context: Any) -> pb.GetHouseholdResponse:
        """Reads where a household lives and what is left of its allowances."""
        residences, allowances = await get_household(self._context, convert.account_from(request.account_id))
        return pb.GetHouseholdResponse(
            residences=[convert.residence_to(each) for each in residences],
            allowances=convert.allowances_to(allowances),
        )

    async def DeclareResidence(self, request: pb.DeclareResidenceRequest, context: Any) -> pb.DeclareResidenceResponse:
        """Declares the network of a device of the household as a residence."""
        client = convert.client_from(request.client, self._hasher)
        parts = ("DeclareResidence", client.device_id, client.network, request.name)
        asked = _asked(request.account_id, request.request_id, *parts)
        residence = await declare_residence(self._context, asked, client, request.name)
        return pb.DeclareResidenceResponse(residence=convert.residence_to(residence))

    async def DeclareTravel(self, request: pb.DeclareTravelRequest, context: Any) -> pb.DeclareTravelResponse:
        """Declares days on which the household travels."""
        start = convert.time_from(request.start_time, "start_time")
        end = convert.time_from(request.end_time, "end_time")
        parts = ("DeclareTravel", request.country_code, start.isoformat(), end.isoformat())
        asked = _asked(request.account_id, request.request_id, *parts)
        travel = Travel(country=request.country_code, start_time=start, end_time=end)
        allowances = await declare_travel(self._context, asked, travel)
        return pb.DeclareTravelResponse(allowances=convert.allowances_to(allowances))


def _asked(account_id: str, request_id: str, rpc_name: str, *parts: bytes | str) -> Request:
    account: UUID = convert.account_from(account_id)
    return Request(
        account_id=account,
        request_id=parse_uuid(request_id, "request_id"),
        digest=request_digest(rpc_name, *parts),
    )

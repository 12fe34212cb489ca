"""What callers say to device_trust, in few words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2 as common
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.ids import Uuid7Ids
from services.device_trust.use_cases.context import Context

GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
OPERATOR = CallerCredentials("operator", "the-operators-secret")
STRANGER = CallerCredentials("challenge", "another-services-secret")

HOME = "203.0.113.7"
FRIEND = "198.51.100.20"
HOTEL = "192.0.2.99"


def timestamp(moment: datetime) -> Timestamp:
    """A moment as a message."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def client(device_id: str = "tv", ip: str = HOME, country: str = "DE", **device: Any) -> common.ClientContext:
    """A client as the edge sees it."""
    fields: dict[str, Any] = {"kind": common.DEVICE_KIND_TV, "platform": common.PLATFORM_TIZEN, "name": "Living room"}
    return common.ClientContext(
        ip_address=ip, country_code=country, device=common.Device(id=device_id, **fields | device), asn=64500
    )


@dataclass(kw_only=True)
class World:
    """One account's talk with the service, in few words. ``say`` calls any RPC as any caller."""

    stubs: dict[str, rpc.DeviceTrustServiceStub]
    context: Context
    clock: FakeClock
    account: UUID
    ids: Uuid7Ids = field(default_factory=Uuid7Ids)

    def another_account(self) -> World:
        """The same service for an account that was never seen."""
        return replace(self, account=self.ids.new())

    async def say(self, method: str, request: Any, caller: str = "gateway") -> Any:
        """Call an RPC; errors come back as ServiceError."""
        return await call(getattr(self.stubs[caller], method), request, timeout=10)

    async def assess(self, seen: common.ClientContext) -> pb.Assessment:
        """What a client is to the account."""
        request = pb.AssessDeviceRequest(account_id=str(self.account), client=seen, kind=pb.SIGHTING_KIND_START)
        answer: pb.Assessment = (await self.say("AssessDevice", request)).assessment
        return answer

    async def confirm(
        self, seen: common.ClientContext, basis: pb.ConfirmationBasis.ValueType, request_id: UUID | None = None
    ) -> pb.Assessment:
        """Let a client in on a proof."""
        request = pb.ConfirmDeviceRequest(
            request_id=str(request_id or self.ids.new()), account_id=str(self.account), client=seen, basis=basis
        )
        answer: pb.Assessment = (await self.say("ConfirmDevice", request)).assessment
        return answer

    async def create_account(self, device_id: str = "founder") -> pb.Assessment:
        """Make the account on a device at home."""
        return await self.confirm(client(device_id), pb.CONFIRMATION_BASIS_ACCOUNT_CREATED)

    async def defer(self, seen: common.ClientContext, request_id: UUID | None = None) -> pb.Assessment:
        """Choose "verify later"."""
        request = pb.DeferVerificationRequest(
            request_id=str(request_id or self.ids.new()), account_id=str(self.account), client=seen
        )
        answer: pb.Assessment = (await self.say("DeferVerification", request)).assessment
        return answer

    def sighting(self, seen: common.ClientContext, ago: timedelta = timedelta(), **fields: Any) -> pb.Sighting:
        """The client, seen some time ago."""
        fields = {"sighting_id": str(self.ids.new()), "account_id": str(self.account)} | fields
        when = timestamp(self.clock.now() - ago)
        return pb.Sighting(kind=pb.SIGHTING_KIND_START, event_time=when, client=seen, **fields)

    async def record(self, *sightings: pb.Sighting) -> int:
        """Take sightings in; how many were new."""
        response = await self.say("RecordSightings", pb.RecordSightingsRequest(sightings=sightings))
        count: int = response.recorded_count
        return count

    async def devices(self) -> dict[str, pb.DeviceSummary]:
        """The account's devices by id."""
        response = await self.say("ListDevices", pb.ListDevicesRequest(account_id=str(self.account)))
        return {device.device_id: device for device in response.devices}

    async def household(self) -> pb.GetHouseholdResponse:
        """Residences and allowances."""
        response: pb.GetHouseholdResponse = await self.say(
            "GetHousehold", pb.GetHouseholdRequest(account_id=str(self.account))
        )
        return response


@contextmanager
def expect(reason: ErrorReason, field: str = "", **metadata: str) -> Iterator[None]:
    """The block raises a ServiceError of this reason, naming this field and this metadata where they are given."""
    with pytest.raises(ServiceError) as raised:
        yield
    assert raised.value.reason is reason
    if field:
        assert field in [violation.field for violation in raised.value.fields]
    assert raised.value.metadata.items() >= metadata.items()

"""What callers say to device_trust, in few words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2 as common
from hearthgate.common.v1 import standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.ids import Uuid7Ids
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.scoring import scorer
from services.device_trust.use_cases.context import Context
from tests.contract.device_trust.device_trust_model import plain_model

GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
OPERATOR = CallerCredentials("operator", "the-operators-secret")
STRANGER = CallerCredentials("challenge", "another-services-secret")

HOME = "203.0.113.7"
FRIEND = "198.51.100.20"
HOTEL = "192.0.2.99"
DAY: Final = timedelta(days=1)

PINNED: Final = Policy(
    version="pinned",
    home_presence=timedelta(days=31),
    home_presence_max=timedelta(days=240),
    learning=timedelta(days=14),
    learning_active_days=10,
    tolerated_days=0,
    tolerated_days_account=12,
    thief_threshold=0.5,
    outsider_threshold=1.0,
    second_household=6.9,
    guest_lease=timedelta(days=14),
    deferral=timedelta(days=7),
    guest_days_90=18,
    guest_days_365=45,
    allowance_period=timedelta(days=90),
    guest_leases_per_account=3,
    guest_leases_per_network=2,
    deferrals_per_account=2,
    deferrals_per_network=1,
    travel_days_per_year=60,
    max_residences=3,
)
"""Every number of its own, so that no test rests on what the defaults are tuned to; it asks at once."""
PLAIN: Final = scorer(plain_model())


def timestamp(moment: datetime) -> Timestamp:
    """A moment as a message."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def client(device_id: str = "tv", ip: str = HOME, country: str = "DE", **device: Any) -> common.ClientContext:
    """A client as the edge sees it: a television unless said otherwise, with one provider for each country."""
    fields: dict[str, Any] = {"kind": common.DEVICE_KIND_TV, "platform": common.PLATFORM_TIZEN, "name": "Living room"}
    asn = device.pop("asn", 64500 if country in ("DE", "") else 64600)
    return common.ClientContext(
        ip_address=ip, country_code=country, device=common.Device(id=device_id, **fields | device), asn=asn
    )


def phone(device_id: str = "phone", ip: str = HOME, country: str = "DE", **device: Any) -> common.ClientContext:
    """A device that people carry."""
    fields = {"kind": common.DEVICE_KIND_PHONE, "platform": common.PLATFORM_IOS, "name": "Phone"}
    return client(device_id, ip, country, **fields | device)


def tablet(device_id: str = "tablet", ip: str = HOME, country: str = "DE", **device: Any) -> common.ClientContext:
    """A child's."""
    fields = {"kind": common.DEVICE_KIND_TABLET, "platform": common.PLATFORM_ANDROID, "name": "Tablet"}
    return client(device_id, ip, country, **fields | device)


def laptop(device_id: str = "laptop", ip: str = HOME, country: str = "DE", **device: Any) -> common.ClientContext:
    """Carried, too, but seldom used on the way."""
    fields = {"kind": common.DEVICE_KIND_COMPUTER, "platform": common.PLATFORM_WEB, "name": "Laptop"}
    return client(device_id, ip, country, **fields | device)


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

    async def days(self, seen: common.ClientContext, days_ago: Iterable[int], **fields: Any) -> None:
        """The client was seen on each of these days, at this time of day; taken in as one batch."""
        await self.record(*(self.sighting(seen, ago * DAY, **fields) for ago in days_ago))

    async def standing(self, seen: common.ClientContext) -> str:
        """The name of what a client is to the account."""
        return standing_pb2.Standing.Name((await self.assess(seen)).standing).removeprefix("STANDING_")

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


async def everything(world: World) -> dict[str, list[str]]:
    """Every row of every table, as text; bytes are in hexadecimal there."""
    tables = await world.context.database.fetch(
        "select tablename from pg_tables where schemaname = 'public' order by tablename"
    )
    content = {}
    for (name,) in tables:
        rows = await world.context.database.fetch(f"select t::text as line from {name} t order by 1")  # noqa: S608
        content[name] = [row["line"] for row in rows]
    return content


@contextmanager
def expect(reason: ErrorReason, field: str = "", **metadata: str) -> Iterator[None]:
    """The block raises a ServiceError of this reason, naming this field and this metadata where they are given."""
    with pytest.raises(ServiceError) as raised:
        yield
    assert raised.value.reason is reason
    if field:
        assert field in [violation.field for violation in raised.value.fields]
    assert raised.value.metadata.items() >= metadata.items()

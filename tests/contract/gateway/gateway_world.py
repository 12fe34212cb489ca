"""The gateway with its four real leaves, in one process, over real databases and one fake clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as identity_rpc
from libs.devstack.device import Device, Person, code_in, has_code
from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import open_channel
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.clock import FakeClock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.keys import new_secret, secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox
from services.challenge import assembly
from services.challenge.domain.codes import SecretRandomness
from services.challenge.servicer import registration as challenge_registration
from services.challenge.settings import ChallengeSettings
from services.device_trust import main as device_trust_main
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.servicer import DeviceTrustServicer
from services.device_trust.use_cases.context import Context as DeviceTrustContext
from services.download_planning import main as planning_main
from services.download_planning.settings import DownloadPlanningSettings
from services.gateway import main as gateway_main
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder
from services.identity import main as identity_main
from services.identity.servicer import registration as identity_registration
from services.identity.settings import IdentitySettings

GATEWAY = CallerCredentials("gateway", new_secret())
OPERATOR = CallerCredentials("operator", new_secret())
BACKEND = CallerCredentials("backend", new_secret())
STRANGER = CallerCredentials("stranger", new_secret())
CALLERS = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR, BACKEND, STRANGER)}
HOME, ELSEWHERE, THIRD_PLACE, ABROAD = "203.0.113.10", "198.51.100.20", "192.0.2.30", "2001:db8:bad:1::9"
TITLE = "film-lighthouse"
PHONE = "+4915123456789"


@dataclass(kw_only=True)
class World:
    """Everything that runs, and the channels of each caller."""

    stack: AsyncExitStack
    clock: FakeClock
    inbox: SmtpInbox
    smsc: Smsc
    databases: dict[str, Database] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    _read: set[int] = field(default_factory=set)

    @property
    def playback(self) -> playback_rpc.PlaybackServiceStub:
        return playback_rpc.PlaybackServiceStub(self.channels["backend"])

    @property
    def verification(self) -> verification_rpc.VerificationServiceStub:
        return verification_rpc.VerificationServiceStub(self.channels["backend"])

    @property
    def accounts(self) -> account_rpc.AccountServiceStub:
        return account_rpc.AccountServiceStub(self.channels["backend"])

    @property
    def downloads(self) -> download_rpc.DownloadServiceStub:
        return download_rpc.DownloadServiceStub(self.channels["backend"])

    @property
    def identity_as_operator(self) -> identity_rpc.IdentityServiceStub:
        return identity_rpc.IdentityServiceStub(self.channels["operator@identity"])

    def device(self, name: str, ip_address: str = HOME, country: str = "DE", **changes: Any) -> Device:
        """A device of its own somewhere."""
        fields: dict[str, Any] = {
            "name": name,
            "device_id": f"test-{uuid4().hex[:12]}",
            "kind": context_pb.DEVICE_KIND_TV,
            "platform": context_pb.PLATFORM_ANDROID_TV,
            "ip_address": ip_address,
            "country_code": country,
            "channel": self.channels["backend"],
        }
        return Device(**(fields | changes))

    async def mail(self, address: str, about: str = "", *, with_code: bool = False) -> str:
        """The text of the next unread mail to an address that speaks of ``about``."""
        mail = await self.inbox.wait_for(
            address,
            lambda each: (
                each.sequence not in self._read
                and about in each.subject + each.text
                and (has_code(each.text) or not with_code)
            ),
            timeout=15,
        )
        self._read.add(mail.sequence)
        return mail.text

    async def code(self, address: str, about: str = "") -> str:
        """The code in the next unread mail that has one."""
        return code_in(await self.mail(address, about, with_code=True))

    async def household(self, plan_id: str = "premium", name: str = "Ada") -> Household:
        """A new account, its television at home signed in."""
        suffix = uuid4().hex[:8]
        owner = Person(
            name=name, email=f"{name.lower()}.{suffix}@example.com", password="four-words-nobody-guesses", phone=PHONE
        )
        tv = self.device("Living-room TV")
        request = account_pb.SignUpRequest(
            request_id=str(uuid4()),
            email=owner.email,
            phone=owner.phone,
            password=owner.password,
            profile_name=owner.name,
            country_code="DE",
            plan_id=plan_id,
            client=tv.context(),
        )
        sign_up = await self.accounts.SignUp(request)
        answer = await tv.complete_sign_up(sign_up.sign_up_id, await self.code(owner.email))
        return Household(
            world=self, owner=owner, tv=tv, account_id=answer.account_id, profile_id=answer.profiles[0].profile_id
        )


@dataclass(kw_only=True)
class Household:
    """An account with its owner and a television at home."""

    world: World
    owner: Person
    tv: Device
    account_id: str
    profile_id: str

    async def signed_in(self, name: str, ip_address: str = HOME, country: str = "DE", **changes: Any) -> Device:
        """Another device, signed in with the owner's password."""
        device = self.world.device(name, ip_address, country, **changes)
        await device.sign_in(self.owner)
        device.profile_id = self.profile_id
        return device

    async def add_profile(self, name: str, *, kids: bool = False) -> str:
        """Another profile of the account."""
        request = identity_pb.CreateProfileRequest(
            request_id=str(uuid4()), account_id=self.account_id, name=name, maturity_age=18, kids=kids
        )
        return (await self.world.identity_as_operator.CreateProfile(request)).profile.profile_id

    async def set_state(self, state: identity_pb.AccountState.ValueType) -> None:
        """Hold, reopen or close the account, as an operator."""
        request = identity_pb.SetAccountStateRequest(account_id=self.account_id, state=state)
        await self.world.identity_as_operator.SetAccountState(request)

    def start_request(self, device: Device, **changes: Any) -> playback_pb.StartStreamRequest:
        """A press on play."""
        fields: dict[str, Any] = {
            "request_id": str(uuid4()),
            "session_token": device.session_token,
            "profile_id": device.profile_id or self.profile_id,
            "title_id": TITLE,
            "client": device.context(),
        }
        return playback_pb.StartStreamRequest(**(fields | changes))


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A call's error as a caller sees it."""

    code: grpc.StatusCode
    reason: str
    fields: tuple[str, ...]
    text: str


async def failure(awaitable: Any) -> Failure:
    """The error that a call ends with; fails the test where it does not."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # reads the two fields it needs
    info, bad_request = ErrorInfo(), BadRequest()
    for detail in status.details if status else ():
        _ = detail.Unpack(info) or detail.Unpack(bad_request)
    return Failure(
        code=caught.value.code(),
        reason=info.reason,
        fields=tuple(each.field for each in bad_request.field_violations),
        text=caught.value.details() or "",
    )


async def start_world(
    stack: AsyncExitStack, service_database: ServiceDatabaseFactory, clock: FakeClock, **changes: Any
) -> World:
    """Everything, started; ``changes`` are settings of the gateway."""
    inbox = await stack.enter_async_context(SmtpInbox())
    smsc = await stack.enter_async_context(Smsc())
    world = World(stack=stack, clock=clock, inbox=inbox, smsc=smsc)
    for service, build in _LEAVES.items():
        dsns = await service_database(service)
        database = await _connect(world, service, dsns.app)
        await _serve(world, service, [await build(world, database, dsns.app)], database)
    await _start_gateway(world, (await service_database("gateway")).app, changes)
    for caller in (BACKEND, OPERATOR, STRANGER):
        world.channels[caller.name] = await _open(world, "gateway", caller)
    world.channels["operator@identity"] = await _open(world, "identity", OPERATOR)
    return world


async def _start_gateway(world: World, dsn: str, changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "database_url": dsn,
        "caller_secret": GATEWAY.secret,
        "master_keys": new_secret(),
        "alike_milliseconds": 0,
        **{f"{service}_address": address for service, address in world.addresses.items()},
    }
    settings = GatewaySettings(**(fields | changes))
    database = await _connect(world, "gateway", dsn)
    leaves = await gateway_main.open_leaves(world.stack, settings)
    recorder = SightingRecorder.running(leaves.device_trust.record_sightings)
    sightings = await world.stack.enter_async_context(recorder)
    context = gateway_main.build_context(
        settings, database=database, clock=world.clock, leaves=leaves, sightings=sightings
    )
    await _serve(world, "gateway", gateway_main.registrations(settings, context), database)


async def _identity(world: World, database: Database, dsn: str) -> Registration:
    settings = IdentitySettings(database_url=dsn, contact_keys=new_secret())  # type: ignore[arg-type]  # pydantic wraps it
    passwords = identity_main.build_passwords(settings)
    world.stack.callback(passwords.close)
    return identity_registration(
        identity_main.build_identity(settings, database=database, clock=world.clock, passwords=passwords)
    )


async def _device_trust(world: World, database: Database, dsn: str) -> Registration:
    context = DeviceTrustContext(
        database=database, clock=world.clock, ids=Uuid7Ids(), policy=Policy(), retention=Retention()
    )
    return device_trust_main.registration(DeviceTrustServicer(context, NetworkHasher(b"n" * 32)))


async def _challenge(world: World, database: Database, dsn: str) -> Registration:
    fields: dict[str, Any] = {
        "database_url": dsn,
        "smtp_url": world.inbox.url,
        "smpp_url": world.smsc.url,
        "code_pepper": new_secret(),
        "sealing_keys": new_secret(),
        "drain_seconds": 1,
        "delivery_poll_seconds": 0.05,
        "sends_per_account": 20,
        "sends_per_destination": 100,
    }
    settings = ChallengeSettings(**fields)
    senders = assembly.build_senders(settings, world.clock)
    world.stack.push_async_callback(senders.close)
    parts = assembly.build_parts(
        settings,
        database=database,
        clock=world.clock,
        ids=Uuid7Ids(),
        randomness=SecretRandomness(),
        senders=senders,
    )
    await world.stack.enter_async_context(assembly.running_workers(parts))
    return challenge_registration(parts.context)


async def _download_planning(world: World, database: Database, dsn: str) -> Registration:
    settings = DownloadPlanningSettings(database_url=dsn)  # type: ignore[arg-type]  # pydantic wraps it
    return planning_main.registration(planning_main.build_context(settings, database, world.clock))


_LEAVES: dict[str, Callable[[World, Database, str], Any]] = {
    "identity": _identity,
    "device_trust": _device_trust,
    "challenge": _challenge,
    "download_planning": _download_planning,
}


async def _connect(world: World, service: str, dsn: str) -> Database:
    database = await Database.connect(dsn, application_name=service, pool_size=8)
    world.stack.push_async_callback(database.close)
    world.databases[service] = database
    return database


async def _serve(world: World, service: str, registrations: list[Registration], database: Database) -> None:
    server = build_server(ServerOptions(callers=CALLERS), registrations, database.ping)
    await world.stack.enter_async_context(server)
    world.addresses[service] = f"127.0.0.1:{server.port}"


async def _open(world: World, service: str, caller: CallerCredentials) -> grpc.aio.Channel:
    return await world.stack.enter_async_context(open_channel(world.addresses[service], caller=caller))

"""The gateway with its four real leaves, in one process, over real databases and one fake clock."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar
from uuid import uuid4

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

import hearthgate.gateway.v1 as gateway_package
from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.common.v1 import standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as trust_rpc
from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as planning_rpc
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import contact_service_pb2_grpc as contact_rpc
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import member_service_pb2_grpc as member_rpc
from hearthgate.gateway.v1 import own_account_service_pb2_grpc as own_account_rpc
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import privacy_service_pb2_grpc as privacy_rpc
from hearthgate.gateway.v1 import profile_service_pb2_grpc as profile_rpc
from hearthgate.gateway.v1 import protection_service_pb2_grpc as protection_rpc
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc
from hearthgate.identity.v1 import contact_service_pb2 as identity_contact_pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as identity_contact_rpc
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as identity_rpc
from hearthgate.identity.v1 import plan_service_pb2 as plan_pb
from hearthgate.identity.v1 import plan_service_pb2_grpc as plan_rpc
from libs.devstack.device import Device, Person, code_in, has_code
from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.server import Registration, Server, ServerOptions, build_server
from libs.runtime.clock import FakeClock
from libs.runtime.keys import new_secret, secret_digest
from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import ReceivedText
from libs.testing.smtp import SmtpInbox
from services.challenge.domain.codes import CodeKeys
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.policy import Policy
from services.gateway.use_cases.context import Context
from services.identity.use_cases.context import Identity

GATEWAY = CallerCredentials("gateway", new_secret())
OPERATOR = CallerCredentials("operator", new_secret())
BACKEND = CallerCredentials("backend", new_secret())
STRANGER = CallerCredentials("stranger", new_secret())
CALLERS = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR, BACKEND, STRANGER)}
GATEWAY_SERVICES: list[ServiceDescriptor] = [
    service
    for module in iter_modules(gateway_package.__path__)
    if module.name.endswith("_pb2")
    for service in import_module(f"{gateway_package.__name__}.{module.name}").DESCRIPTOR.services_by_name.values()
]
"""Every gRPC service of the gateway's contract."""
HOME, ELSEWHERE, THIRD_PLACE, ABROAD = "203.0.113.10", "198.51.100.20", "192.0.2.30", "2001:db8:bad:1::9"
TITLE = "film-lighthouse"
DISOWN_URL = "https://www.example.com/not-me#{token}"
T = TypeVar("T")
PHONE = "+4915123456789"


def _port_to_come_back_to() -> int:
    """A free port that no outgoing connection takes while its server is away: below those that Linux gives out."""
    # Of its own dice: Hypothesis sets those of the module, and workers side by side would draw the same ports.
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("no free port")


@dataclass(kw_only=True)
class Part:
    """A service of the world: what it serves, and its server while that runs."""

    registrations: list[Registration]
    database: Database
    address: str = "127.0.0.1:0"
    server: Server | None = None


@dataclass(kw_only=True)
class World:
    """Everything that runs, and the channels of each caller."""

    stack: AsyncExitStack
    clock: FakeClock
    inbox: SmtpInbox
    smsc: Smsc
    policy: Policy
    challenge_settings: dict[str, Any] = field(default_factory=dict)
    identity_settings: dict[str, Any] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    gateway: Context = field(init=False)
    gateway_fields: dict[str, Any] = field(default_factory=dict)
    identity: Identity = field(init=False)
    code_keys: CodeKeys = field(init=False)
    network_hasher: NetworkHasher = field(default_factory=lambda: NetworkHasher(b"n" * 32))
    _read: set[int] = field(default_factory=set)
    _read_texts: list[ReceivedText] = field(default_factory=list)

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
    def members(self) -> member_rpc.MemberServiceStub:
        return member_rpc.MemberServiceStub(self.channels["backend"])

    @property
    def plans_as_operator(self) -> plan_rpc.PlanServiceStub:
        return plan_rpc.PlanServiceStub(self.channels["operator@identity"])

    @property
    def downloads(self) -> download_rpc.DownloadServiceStub:
        return download_rpc.DownloadServiceStub(self.channels["backend"])

    @property
    def protection(self) -> protection_rpc.ProtectionServiceStub:
        return protection_rpc.ProtectionServiceStub(self.channels["backend"])

    @property
    def contacts(self) -> contact_rpc.ContactServiceStub:
        return contact_rpc.ContactServiceStub(self.channels["backend"])

    @property
    def own_accounts(self) -> own_account_rpc.OwnAccountServiceStub:
        return own_account_rpc.OwnAccountServiceStub(self.channels["backend"])

    @property
    def own_accounts_as_operator(self) -> own_account_rpc.OwnAccountServiceStub:
        return own_account_rpc.OwnAccountServiceStub(self.channels["operator"])

    @property
    def profiles(self) -> profile_rpc.ProfileServiceStub:
        return profile_rpc.ProfileServiceStub(self.channels["backend"])

    @property
    def privacy(self) -> privacy_rpc.PrivacyServiceStub:
        return privacy_rpc.PrivacyServiceStub(self.channels["backend"])

    @property
    def privacy_as_operator(self) -> privacy_rpc.PrivacyServiceStub:
        return privacy_rpc.PrivacyServiceStub(self.channels["operator"])

    @property
    def device_trust(self) -> trust_rpc.DeviceTrustServiceStub:
        return trust_rpc.DeviceTrustServiceStub(self.channels["gateway@device_trust"])

    @property
    def identity_as_operator(self) -> identity_rpc.IdentityServiceStub:
        return identity_rpc.IdentityServiceStub(self.channels["operator@identity"])

    @property
    def planning_as_operator(self) -> planning_rpc.DownloadPlanningServiceStub:
        return planning_rpc.DownloadPlanningServiceStub(self.channels["operator@download_planning"])

    async def start(self, service: str) -> None:
        """Let a service listen; again at the same port where it was stopped."""
        part = self.parts[service]
        if part.address.endswith(":0"):
            part.address = f"127.0.0.1:{_port_to_come_back_to()}"
        options = ServerOptions(callers=CALLERS, listen_address=part.address)
        part.server = build_server(options, part.registrations, part.database.ping)
        part.address = f"127.0.0.1:{await part.server.start()}"

    async def stop(self, service: str) -> None:
        """Take a service away: nobody listens at its port any more."""
        part = self.parts[service]
        if part.server is not None:
            await part.server.stop(1.0)
            part.server = None

    async def back(self, send: Callable[[], Awaitable[T]]) -> T:
        """The answer to a request that is sent again, the same, until a service that came back answers."""
        async with asyncio.timeout(20):
            while True:
                try:
                    return await send()
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise

    async def eventually(self, look: Callable[[], Awaitable[T]]) -> T:
        """The first answer that is true to a question that is asked again and again."""
        async with asyncio.timeout(20):
            while True:
                if found := await look():
                    return found

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

    async def text_code(self, number: str) -> str:
        """The code in the next text to a number."""
        unread = lambda each: has_code(each.text) and not any(each is read for read in self._read_texts)  # noqa: E731
        text = await self.smsc.wait_for(number, unread, timeout=15)
        self._read_texts.append(text)
        return code_in(text.text)

    async def prove_number(self, account_id: str, owner: Person) -> None:
        """Let the owner's number be verified, as the gateway does once a code has come back, without the code."""
        stub = identity_contact_rpc.ContactServiceStub(self.channels["gateway@identity"])
        put = await stub.PutContact(
            identity_contact_pb.PutContactRequest(
                request_id=str(uuid4()),
                account_id=account_id,
                channel=standing_pb2.CHANNEL_TEXT,
                destination=owner.phone,
                password=owner.password,
            )
        )
        await stub.VerifyContact(
            identity_contact_pb.VerifyContactRequest(account_id=account_id, contact_id=put.contact_id)
        )

    async def household(
        self, plan_id: str = "premium", name: str = "Ada", phone: str = PHONE, *, proved: bool = True
    ) -> Household:
        """A new account, its television at home signed in; ``proved``: and its number verified."""
        suffix = uuid4().hex[:8]
        owner = Person(
            name=name, email=f"{name.lower()}.{suffix}@example.com", password="four-words-nobody-guesses", phone=phone
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
        if owner.phone and proved:
            await self.prove_number(answer.account_id, owner)
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

    async def add_profile(self, name: str, *, kids: bool = False, maturity_age: int = 18) -> str:
        """Another profile of the account."""
        request = identity_pb.CreateProfileRequest(
            request_id=str(uuid4()), account_id=self.account_id, name=name, maturity_age=maturity_age, kids=kids
        )
        return (await self.world.identity_as_operator.CreateProfile(request)).profile.profile_id

    async def set_state(self, state: identity_pb.AccountState.ValueType) -> None:
        """Hold, reopen or close the account, as an operator."""
        request = identity_pb.SetAccountStateRequest(account_id=self.account_id, state=state)
        await self.world.identity_as_operator.SetAccountState(request)

    async def set_plan(self, plan_id: str, account_id: str = "") -> identity_pb.Account:
        """Change what an account, this one unless another is named, pays for, as an operator."""
        request = plan_pb.SetAccountPlanRequest(account_id=account_id or self.account_id, plan_id=plan_id)
        return (await self.world.plans_as_operator.SetAccountPlan(request)).account

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


@dataclass(kw_only=True)
class Hold:
    """A step that waits for a test: ``held`` once somebody is at it, until ``release`` is set."""

    held: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


def hold_once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Hold:
    """Let the next call of an async function of the gateway wait before it runs; later ones run as ever."""
    hold, real = Hold(), getattr(owner, name)

    async def waiting(*args: Any, **kwargs: Any) -> Any:
        if not hold.held.is_set():
            hold.held.set()
            await hold.release.wait()
        return await real(*args, **kwargs)

    monkeypatch.setattr(owner, name, waiting)
    return hold


def phone_fields() -> dict[str, Any]:
    """What makes a device a phone."""
    return {"kind": context_pb.DEVICE_KIND_PHONE, "platform": context_pb.PLATFORM_ANDROID}


def laptop_fields() -> dict[str, Any]:
    """What makes a device a laptop with a browser: how a thief comes, who seldom brings a television."""
    return {"kind": context_pb.DEVICE_KIND_COMPUTER, "platform": context_pb.PLATFORM_WEB}


def asked_by(device: Device) -> dict[str, Any]:
    """The fields by which a request says who asks."""
    return {"session_token": device.session_token, "client": device.context()}


def once(device: Device) -> dict[str, Any]:
    """As :func:`asked_by`, with a request id of its own."""
    return {"request_id": str(uuid4()), **asked_by(device)}


def wrong(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


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
    status = rpc_status.from_call(caught.value)
    info, bad_request = ErrorInfo(), BadRequest()
    for detail in status.details if status else ():
        _ = detail.Unpack(info) or detail.Unpack(bad_request)
    return Failure(
        code=caught.value.code(),
        reason=info.reason,
        fields=tuple(each.field for each in bad_request.field_violations),
        text=caught.value.details() or "",
    )

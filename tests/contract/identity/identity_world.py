"""What callers say to identity, in few words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from hearthgate.identity.v1 import audit_service_pb2_grpc as audit_rpc
from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2_grpc as rpc
from hearthgate.identity.v1 import member_service_pb2_grpc as member_rpc
from hearthgate.identity.v1 import plan_service_pb2_grpc as plan_rpc
from hearthgate.identity.v1 import profile_service_pb2_grpc as profile_rpc
from hearthgate.identity.v1 import protection_service_pb2_grpc as protection_rpc
from libs.persistence.dsn import ServiceDsns
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import Channel, call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.passwords import Argon2idHasher
from services.identity.use_cases.context import Identity

GATEWAY = CallerCredentials("gateway", "the-gateways-secret")
OPERATOR = CallerCredentials("operator", "the-operators-secret")
STRANGER = CallerCredentials("challenge", "another-services-secret")

EMAIL = "ada@example.com"
PASSWORD = "a long and private phrase"
PHONE = "+4915112345678"


def new_id() -> str:
    """A fresh UUID."""
    return str(uuid4())


class CountingHasher:
    """A real Argon2id, cheap in its parameters, that counts what it is asked."""

    def __init__(self) -> None:
        self._inner = Argon2idHasher(memory_kib=64, passes=1, lanes=1)
        self.hashes = 0
        self.verifications = 0

    def hash(self, password: str) -> str:
        """Count and hash."""
        self.hashes += 1
        return self._inner.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """Count and verify."""
        self.verifications += 1
        return self._inner.verify(password_hash, password)

    def outdated(self, password_hash: str) -> bool:
        """Whether the parameters have changed since."""
        return self._inner.outdated(password_hash)

    def close(self) -> None:
        """Nothing to do."""

    def raise_parameters(self) -> None:
        """Use others from now on."""
        self._inner = Argon2idHasher(memory_kib=64, passes=2, lanes=1)


class CutShort:
    """A database that goes away before, or after, the statement of one name."""

    def __init__(self, inner: Any, statement: str, *, after: bool) -> None:
        self._inner = inner
        self._statement = statement
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement, or fail around it."""
        if self._statement not in sql:
            tag: str = await self._inner.execute(sql, *args)
            return tag
        if self._after:
            await self._inner.execute(sql, *args)
        raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """Run a statement with one answer, or fail around it."""
        if self._statement not in sql:
            return await self._inner.fetch_value(sql, *args)
        if self._after:
            await self._inner.fetch_value(sql, *args)
        raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CutShort]:
        """A transaction with the same weakness."""
        async with self._inner.transaction() as transaction:
            yield CutShort(transaction, self._statement, after=self._after)


@dataclass(kw_only=True)
class World:
    """A running identity service. ``say`` calls any RPC as any caller; the rest are shorthands as the gateway."""

    channels: dict[str, Channel]
    identity: Identity
    clock: FakeClock
    hasher: CountingHasher = field(default_factory=CountingHasher)
    dsns: ServiceDsns | None = field(default=None, repr=False)
    address: str = ""

    @property
    def stubs(self) -> dict[str, rpc.IdentityServiceStub]:
        """The service, as each caller meets it."""
        return {caller: rpc.IdentityServiceStub(channel) for caller, channel in self.channels.items()}

    @property
    def audit_stubs(self) -> dict[str, audit_rpc.AuditServiceStub]:
        """The audit log, as each caller meets it."""
        return {caller: audit_rpc.AuditServiceStub(channel) for caller, channel in self.channels.items()}

    @property
    def member_stubs(self) -> dict[str, member_rpc.MemberServiceStub]:
        """Extra members, as each caller meets them."""
        return {caller: member_rpc.MemberServiceStub(channel) for caller, channel in self.channels.items()}

    @property
    def plan_stubs(self) -> dict[str, plan_rpc.PlanServiceStub]:
        """Plans, as each caller meets them."""
        return {caller: plan_rpc.PlanServiceStub(channel) for caller, channel in self.channels.items()}

    @property
    def profile_stubs(self) -> dict[str, profile_rpc.ProfileServiceStub]:
        """Profiles, as each caller meets them."""
        return {caller: profile_rpc.ProfileServiceStub(channel) for caller, channel in self.channels.items()}

    @property
    def protection(self) -> dict[str, protection_rpc.ProtectionServiceStub]:
        """Protection, as each caller meets it."""
        return {caller: protection_rpc.ProtectionServiceStub(channel) for caller, channel in self.channels.items()}

    async def say(self, method: str, request: Any, caller: str = "gateway") -> Any:
        """Call an RPC; errors come back as ServiceError."""
        return await call(getattr(self.stubs[caller], method), request, timeout=10)

    def sign_up(self, **fields: Any) -> pb.CreateAccountRequest:
        """A sign-up in which everything is right."""
        right = {
            "request_id": new_id(),
            "email": EMAIL,
            "password": PASSWORD,
            "country_code": "DE",
            "profile_name": "Ada",
        }
        return pb.CreateAccountRequest(**(right | fields))

    async def create(self, **fields: Any) -> pb.CreateAccountResponse:
        """Begin an account."""
        answer: pb.CreateAccountResponse = await self.say("CreateAccount", self.sign_up(**fields))
        return answer

    async def activate(self, account_id: str) -> pb.ActivateAccountResponse:
        """Make an account usable."""
        request = pb.ActivateAccountRequest(account_id=account_id)
        answer: pb.ActivateAccountResponse = await self.say("ActivateAccount", request)
        return answer

    async def active(self, **fields: Any) -> str:
        """The id of a new account that is usable."""
        created = await self.create(**fields)
        return (await self.activate(created.account_id)).account.account_id

    async def authenticate(self, email: str = EMAIL, password: str = PASSWORD) -> pb.Account:
        """Check an address and a password."""
        account: pb.Account = (await self.authenticated(email, password)).account
        return account

    async def authenticated(
        self, email: str = EMAIL, password: str = PASSWORD, **client: str
    ) -> pb.AuthenticateResponse:
        """The same, with which of the account's passwords it is. ``client``: device and network."""
        request = pb.AuthenticateRequest(email=email, password=password, **client)
        answer: pb.AuthenticateResponse = await self.say("Authenticate", request)
        return answer

    async def open(self, account_id: str, device_id: str = "tv", **fields: Any) -> pb.OpenSessionResponse:
        """Open a session."""
        values: dict[str, Any] = {"request_id": new_id(), "account_id": account_id, "device_id": device_id} | fields
        answer: pb.OpenSessionResponse = await self.say("OpenSession", pb.OpenSessionRequest(**values))
        return answer

    async def resolve(self, tokens: pb.SessionTokens) -> pb.ResolveSessionResponse:
        """What stands behind a session token."""
        request = pb.ResolveSessionRequest(session_token=tokens.session_token)
        answer: pb.ResolveSessionResponse = await self.say("ResolveSession", request)
        return answer

    async def refresh(
        self, tokens: pb.SessionTokens, device_id: str = "tv", **fields: Any
    ) -> pb.RefreshSessionResponse:
        """Exchange a refresh token."""
        request = pb.RefreshSessionRequest(refresh_token=tokens.refresh_token, device_id=device_id, **fields)
        answer: pb.RefreshSessionResponse = await self.say("RefreshSession", request)
        return answer

    async def fate(self, tokens: pb.SessionTokens) -> tuple[int, int]:
        """State and end reason of the session behind a token."""
        session = (await self.resolve(tokens)).session
        return session.state, session.end_reason

    async def end(
        self,
        account_id: str,
        reason: pb.SessionEndReason.ValueType = pb.SESSION_END_REASON_SIGNED_OUT,
        **which: Any,
    ) -> int:
        """End sessions; how many ended."""
        request = pb.EndSessionsRequest(account_id=account_id, reason=reason, **which)
        ended: int = (await self.say("EndSessions", request)).ended_count
        return ended

    async def set_state(self, account_id: str, state: pb.AccountState.ValueType) -> pb.Account:
        """Hold, reopen or close an account, as the operator."""
        request = pb.SetAccountStateRequest(account_id=account_id, state=state)
        account: pb.Account = (await self.say("SetAccountState", request, caller="operator")).account
        return account

    async def profile(self, account_id: str, name: str = "Bea", **fields: Any) -> pb.Profile:
        """Add a profile."""
        values: dict[str, Any] = {"request_id": new_id(), "account_id": account_id, "name": name, "maturity_age": 16}
        profile: pb.Profile = (await self.say("CreateProfile", pb.CreateProfileRequest(**(values | fields)))).profile
        return profile

    async def move(self, source: str, profile_id: str, target: str, *, dry_run: bool = False) -> pb.Profile:
        """Move a profile."""
        request = pb.MoveProfileRequest(
            source_account_id=source, profile_id=profile_id, target_account_id=target, dry_run=dry_run
        )
        profile: pb.Profile = (await self.say("MoveProfile", request)).profile
        return profile

    async def profiles(self, account_id: str) -> list[pb.Profile]:
        """The profiles of an account."""
        return list((await self.say("GetAccount", pb.GetAccountRequest(account_id=account_id))).profiles)


@contextmanager
def refused(reason: ErrorReason, field: str = "") -> Iterator[None]:
    """The block raises this reason, and names this field if one is given."""
    with pytest.raises(ServiceError) as caught:
        yield
    assert caught.value.reason is reason, caught.value
    if field:
        assert field in [violation.field for violation in caught.value.fields]

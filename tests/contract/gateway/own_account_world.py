"""A viewer who leaves, what moves with them, and gateways that die on the way."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import download_service_pb2 as download_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import member_service_pb2_grpc as member_rpc
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import own_account_service_pb2_grpc as own_rpc
from libs.devstack.device import Device, Person
from libs.rpc.channel import open_channel
from services.gateway.domain.own_account import OwnAccount
from services.gateway.storage import own_accounts
from services.gateway.use_cases.complete_sign_up import own_account_id_of
from tests.contract.gateway import member_world
from tests.contract.gateway.gateway_world import BACKEND, CALLERS, ELSEWHERE, Household, World, asked_by, phone_fields
from tests.contract.gateway.titles import watched

PASSWORD: Final = "bens-own-four-words"
LISTED: Final = ("film-lighthouse", "harbour.s1e3")
SEEN: Final = ("harbour.s1e1", "film-dunes")


@dataclass(kw_only=True)
class Leaver:
    """Ben, on a phone elsewhere, with a profile of the household's account and an own account begun."""

    home: Household
    device: Device
    person: Person
    profile_id: str
    sign_up_id: str
    code: str

    @property
    def world(self) -> World:
        return self.home.world

    @property
    def own_account_id(self) -> UUID:
        return own_account_id_of(UUID(self.sign_up_id))

    def completion(self) -> account_pb.CompleteSignUpRequest:
        """The code, handed in; the same each time."""
        request_id = str(UUID(int=UUID(self.sign_up_id).int ^ 1))
        return account_pb.CompleteSignUpRequest(
            request_id=request_id, sign_up_id=self.sign_up_id, code=self.code, client=self.device.context()
        )

    async def complete(self) -> account_pb.CompleteSignUpResponse:
        """Hand the code in; the phone is signed in to the own account."""
        answer = await self.world.accounts.CompleteSignUp(self.completion())
        self.device.session_token, self.device.profile_id = answer.credentials.session_token, self.profile_id
        return answer

    async def kept(self) -> OwnAccount:
        """How far it has come, as the gateway keeps it."""
        found = await own_accounts.find(
            self.world.databases["gateway"], UUID(self.home.account_id), self.own_account_id
        )
        assert found is not None
        return found

    async def until(self, state: str) -> OwnAccount:
        """Wait until a worker has brought it to a state."""

        async def look() -> OwnAccount | None:
            found = await self.kept()
            return found if found.state == state else None

        found = await self.world.eventually(look)
        assert found is not None
        return found

    async def undo(self, device: Device) -> own_pb.UndoOwnAccountResponse:
        """Undo it from a device of either side."""
        return await self.world.own_accounts.UndoOwnAccount(self.undoing(device))

    def undoing(self, device: Device) -> own_pb.UndoOwnAccountRequest:
        """Have it undone."""
        return own_pb.UndoOwnAccountRequest(**asked_by(device), own_account_id=str(self.own_account_id))


async def leaver(home: Household, world: World) -> Leaver:
    """Ben has watched and listed something, was asked to verify, and has asked for an own account."""
    return await begin(home, world, await viewer(home, world))


async def invited_leaver(home: Household, world: World) -> Leaver:
    """The same Ben, who was invited as an extra member and has accepted with his profile."""
    device = await viewer(home, world)
    request = await acceptance(home, world, device)
    begun = await world.members.AcceptInvitation(request)
    return await hand_over(home, device, request, begun.sign_up_id)


async def acceptance(home: Household, world: World, device: Device) -> member_pb.AcceptInvitationRequest:
    """Invite Ben, and let him accept with the device's profile; the same each time it is sent."""
    person = member_world.person("Ben")
    await member_world.invite(home, person.email)
    along = {"session_token": device.session_token, "profile_id": device.profile_id, "profile_name": ""}
    token = await member_world.token_of(world, person.email)
    return member_world.acceptance(device, token, person, **along)


async def viewer(home: Household, world: World) -> Device:
    """Ben's phone, elsewhere, with a profile of the household's account on which something was watched and listed."""
    profile_id = await home.add_profile("Ben")
    device = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    device.profile_id = profile_id
    for title_id in SEEN:
        await watched(world, device, title_id)
    await change_list(world, device, add=LISTED)
    return device


async def begin(home: Household, world: World, device: Device, **changes: Any) -> Leaver:
    """Ask for an own account with the device's profile, and read the code."""
    request = creation(device, **changes)
    begun = await world.accounts.CreateOwnAccount(request)
    return await hand_over(home, device, request, begun.sign_up_id)


def creation(device: Device, **changes: Any) -> account_pb.CreateOwnAccountRequest:
    """Ask for an own account with the device's profile; the same each time it is sent."""
    fields: dict[str, Any] = {
        **asked_by(device),
        "request_id": str(uuid4()),
        "profile_id": device.profile_id,
        "email": f"ben.{uuid4().hex[:8]}@example.com",
        "password": PASSWORD,
        "country_code": "DE",
    }
    return account_pb.CreateOwnAccountRequest(**(fields | changes))


async def hand_over(
    home: Household,
    device: Device,
    request: account_pb.CreateOwnAccountRequest | member_pb.AcceptInvitationRequest,
    sign_up_id: str,
) -> Leaver:
    """Who has asked, with the code that was mailed."""
    return Leaver(
        home=home,
        device=device,
        person=Person(name="Ben", email=request.email, password=request.password),
        profile_id=device.profile_id,
        sign_up_id=sign_up_id,
        code=await home.world.code(request.email),
    )


async def change_list(world: World, device: Device, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> int:
    """Change the list of the device's profile; how many titles are on it."""
    request = download_pb.UpdateMyListRequest(
        **asked_by(device), profile_id=device.profile_id, add_title_ids=add, remove_title_ids=remove
    )
    return (await world.downloads.UpdateMyList(request)).title_count


async def my_list(world: World, device: Device) -> set[str]:
    """The list of the device's profile."""
    request = download_pb.ListMyListRequest(**asked_by(device), profile_id=device.profile_id)
    return {each.title_id for each in (await world.downloads.ListMyList(request)).items}


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """In which accounts a profile stands, and where its history and list are. ``accounts`` counts the usable ones."""

    profile: set[str]
    seen: dict[str, set[str]]
    listed: dict[str, set[str]]
    accounts: int
    notices: int


async def whereabouts(world: World, profile_id: str, kind: str = "own_account_made") -> Whereabouts:
    """Where everything of a profile is, as the leaves' databases have it."""
    identity, planning = world.databases["identity"], world.databases["download_planning"]
    profile = UUID(profile_id)
    standing = await identity.fetch(
        "select account_id from profile where profile_id = $1 and moved_to_account_id is null", profile
    )
    seen = await planning.fetch("select account_id, title_id from viewing where profile_id = $1", profile)
    listed = await planning.fetch("select account_id, title_id from my_list where profile_id = $1", profile)
    challenge = world.databases["challenge"]
    return Whereabouts(
        profile={str(row["account_id"]) for row in standing},
        seen=_by_account(seen),
        listed=_by_account(listed),
        accounts=await identity.fetch_value("select count(*) from account where state = 'ACTIVE'"),
        notices=await challenge.fetch_value("select count(*) from delivery where kind = $1", kind),
    )


def _by_account(rows: list[Any]) -> dict[str, set[str]]:
    accounts = {str(row["account_id"]) for row in rows}
    return {account: {row["title_id"] for row in rows if str(row["account_id"]) == account} for account in accounts}


@dataclass(kw_only=True)
class DyingGateway:
    """Another gateway over the same database, in a process of its own."""

    process: asyncio.subprocess.Process
    accounts: account_rpc.AccountServiceStub
    members: member_rpc.MemberServiceStub
    own_accounts: own_rpc.OwnAccountServiceStub

    async def died(self) -> int:
        """Wait for its end; its exit code."""
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def dying_gateway(world: World, die_after: str) -> AsyncIterator[DyingGateway]:
    """A gateway that ends hard after a step."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.gateway.dying_gateway"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stderr is not None
        told = {
            "settings": world.gateway_fields,
            "now": world.clock.now().isoformat(),
            "callers": CALLERS,
            "die_after": die_after,
        }
        process.stdin.write(json.dumps(told).encode() + b"\n")
        await process.stdin.drain()
        async with asyncio.timeout(60):
            port = int(await process.stderr.readline())
        once = [(f"hearthgate.gateway.v1.{name}Service", "") for name in ("Account", "Member", "OwnAccount")]
        async with open_channel(f"127.0.0.1:{port}", caller=BACKEND, unretried=once) as channel:
            yield DyingGateway(
                process=process,
                accounts=account_rpc.AccountServiceStub(channel),
                members=member_rpc.MemberServiceStub(channel),
                own_accounts=own_rpc.OwnAccountServiceStub(channel),
            )
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def lease_ends(world: World) -> None:
    """Let the time go by after which a worker takes up what a dead gateway held."""
    world.clock.advance(world.gateway.own_accounts.lease + timedelta(seconds=1))

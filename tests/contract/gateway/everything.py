"""An account with everything in it, and all that would give it away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import contact_service_pb2 as contact_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from libs.devstack.device import Device, Person
from libs.runtime.networks import network_of
from services.gateway.clients import conversions
from services.gateway.use_cases.own_account_steps import seal_client
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    THIRD_PLACE,
    Household,
    World,
    asked_by,
    laptop_fields,
    once,
    phone_fields,
    wrong,
)
from tests.contract.gateway.titles import GIGABYTE, bring_series, watched

OTHER_PHONE = "+4915198765432"
EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT


@dataclass(kw_only=True)
class Everything:
    """An account that has used every part, with all that would give it away, by what it is."""

    home: Household
    devices: list[Device]
    codes: list[str]
    tokens: list[str]
    leaver: Household
    """Who has left it with a profile for an account of their own."""
    others: list[str]
    """Where other people are reached to whom it was written for the account, and a number that nobody proved."""
    former: str
    """Where the owner was reached before."""
    traces: dict[str, list[bytes]] = field(default_factory=dict)


async def live(world: World) -> Everything:
    """A household's life: devices, codes by mail and text, refusals, downloads, viewing, people, one who leaves."""
    await bring_series(world, "harbour", episodes=3)
    home = await world.household()
    former, others = home.owner.email, await know_people(world, home)
    codes: list[str] = []
    phone = await home.signed_in("Ada's phone", **phone_fields())
    await phone.configure_downloads(GIGABYTE)
    await watched(world, phone, "harbour.s1e1")
    await phone.plan_downloads([], 10 * GIGABYTE)
    await home.tv.play("harbour.s1e2")
    travel = account_pb.DeclareTravelRequest(**once(home.tv), country_code="FR")
    travel.start_time.FromDatetime(world.clock.now())
    travel.end_time.FromDatetime(world.clock.now())
    await world.accounts.DeclareTravel(travel)
    await world.accounts.DeclareResidence(account_pb.DeclareResidenceRequest(**once(home.tv), name="Seaside"))
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    await friend.play("harbour.s1e1")
    asked = await friend.request_verification(EMAIL)
    codes.append(await world.code(home.owner.email, "asks to watch"))
    await friend.submit_code(asked.verification_id, wrong(codes[0]))
    await friend.submit_code(asked.verification_id, codes[0])
    await friend.play("harbour.s1e1")
    texted = await home.signed_in("Tom's TV", THIRD_PLACE)
    await texted.request_verification(TEXT)
    codes.append(await world.text_code(home.owner.phone))
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    tokens = [each.session_token for each in (home.tv, phone, friend, texted, thief)]
    leaver = await arrive(world, home)
    await world.device("Stranger's TV", THIRD_PLACE).sign_up(home.owner)
    await world.mail(home.owner.email, "has one already")
    await home.tv.start_password_reset(home.owner.email)
    codes.append(await world.code(home.owner.email, "Choose a new password"))
    devices = [home.tv, phone, friend, texted, thief, await ask_to_leave(world, home), *await wait(world, home, others)]
    await keep_client(world, home)
    everything = Everything(
        home=home, devices=devices, codes=codes, tokens=tokens, leaver=leaver, others=others, former=former
    )
    everything.traces = await _traces(world, everything)
    return everything


async def know_people(world: World, home: Household) -> list[str]:
    """The owner has a new address, somebody may approve, somebody is invited, and a number was never proved."""
    address, carl, ina = (f"{name}.{uuid4().hex[:8]}@people.example" for name in ("ada", "carl", "ina"))
    password, confirm = home.owner.password, "Confirm that this reaches you"
    change_id = await home.tv.start_contact_change(EMAIL, address, password)
    await home.tv.complete_contact_change(change_id, await world.code(address, confirm))
    home.owner = replace(home.owner, email=address)
    await home.tv.start_contact_change(TEXT, OTHER_PHONE, password)
    await world.text_code(OTHER_PHONE)
    wish = contact_pb.AddApproverRequest(
        **once(home.tv), name="Carl", channel=EMAIL, destination=carl, password=password
    )
    added = await world.contacts.AddApprover(wish)
    code = await world.code(carl, confirm)
    await world.contacts.ConfirmApprover(
        contact_pb.ConfirmApproverRequest(**once(home.tv), change_id=added.change_id, code=code)
    )
    await world.members.InviteMember(member_pb.InviteMemberRequest(**once(home.tv), email=ina))
    await world.mail(ina, "You are invited")
    return [carl, ina, OTHER_PHONE]


async def ask_to_leave(world: World, home: Household) -> Device:
    """A profile with a PIN, whose viewer has asked whether it may leave; nobody has answered."""
    profile_id = await home.add_profile("Kim")
    lock = profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=profile_id, pin="471100")
    await world.profiles.SetProfilePin(lock)
    device = await home.signed_in("Kim's phone", ELSEWHERE, **phone_fields())
    request = own_pb.RequestProfileTransferRequest(**once(device), profile_id=profile_id, channel=EMAIL)
    await world.own_accounts.RequestProfileTransfer(request)
    await world.code(home.owner.email, "profile")
    return device


async def wait(world: World, home: Household, others: list[str]) -> list[Device]:
    """What has not gone out yet: an invitation and a notice in challenge's hands, a notice still in the gateway's."""
    olga = f"olga.{uuid4().hex[:8]}@people.example"
    queued = "select count(*) from delivery where state = 'queued'"
    refused = f"{queued} and last_failure <> ''"  # two constants
    devices = []
    await _until(world, "challenge", queued, 0)
    world.inbox.reply_next("451 4.3.0 later")
    await world.members.InviteMember(member_pb.InviteMemberRequest(**once(home.tv), email=olga))
    others.append(olga)
    await _until(world, "challenge", refused, 1)
    world.inbox.reply_next("451 4.3.0 later")
    devices.append(await home.signed_in("Late phone", ELSEWHERE, **phone_fields()))
    await _until(world, "challenge", refused, 2)
    await world.stop("challenge")
    devices.append(await home.signed_in("Later phone", ELSEWHERE, **phone_fields()))
    put_off = "select count(*) from pending_notice where attempt_count > 0 and next_attempt_time < $1"
    # Sooner than the end of a lease: nobody is at it any more.
    await _until(world, "gateway", put_off, 1, world.clock.now() + timedelta(seconds=5))
    await world.start("challenge")
    return devices


async def keep_client(world: World, home: Household) -> None:
    """The client behind a move, as it stands there while the move is under way."""
    gateway = world.databases["gateway"]
    own_account_id = await gateway.fetch_value("select own_account_id from own_account")
    client = seal_client(world.gateway, own_account_id, conversions.client(home.tv.context()))
    await gateway.execute("update own_account set client = $2 where own_account_id = $1", own_account_id, client)


async def _until(world: World, service: str, counting: str, expected: int, *args: object) -> None:
    async def look() -> bool:
        return bool(await world.databases[service].fetch_value(counting, *args) == expected)

    await world.eventually(look)


async def arrive(world: World, host: Household) -> Household:
    """Somebody who leaves a household with a profile: an account of their own, of which the host's rows hold marks."""
    profile_id = await host.add_profile("Ben")
    ben = await host.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    ben.profile_id = profile_id
    await watched(world, ben, "harbour.s1e1")
    person = Person(name="Ben", email=f"ben.{uuid4().hex[:8]}@example.com", password="bens-own-four-words")
    begun = await ben.create_own_account(person, profile_id)
    answer = await ben.complete_sign_up(begun, await world.code(person.email))
    return Household(world=world, owner=person, tv=ben, account_id=answer.account_id, profile_id=profile_id)


async def _traces(world: World, everything: Everything) -> dict[str, list[bytes]]:
    """What to look for: ids and contacts as they are, and their hashes under the services' own keys."""
    home = everything.home
    account_id = UUID(home.account_id)
    of_account = "select session_id from session where account_id = $1"
    sessions = await world.databases["identity"].fetch(of_account, account_id)
    contacts = (home.owner.email, home.owner.phone, everything.former)
    # Where who left lives on is known of that account, too.
    networks = {each.ip_address for each in everything.devices} - {everything.leaver.tv.ip_address}
    keys = world.code_keys
    return {
        "account id": _ids([account_id]),
        "profile id": _ids([UUID(home.profile_id)]),
        "device id": [each.device_id.encode() for each in everything.devices],
        "session id": _ids(row["session_id"] for row in sessions),
        "email": [home.owner.email.encode()],
        "former email": [everything.former.encode()],
        "somebody else's contact": [each.encode() for each in everything.others],
        "address of a device": [each.encode() for each in networks],
        "phone": [home.owner.phone.encode()],
        "hash of a contact in identity": list(world.identity.keys.email_hashes(home.owner.email)),
        "hash of a contact in challenge": [keys.destination_hash(each.casefold()) for each in contacts],
        "hash of somebody else's in challenge": [keys.destination_hash(each.casefold()) for each in everything.others],
        "hash of a network in device_trust": [world.network_hasher.hash(each) for each in networks],
        "hash of a network in identity": [
            world.identity.keys.guess_hash("network", network_of(each)) for each in networks
        ],
        "hash of a network in challenge": [keys.bucket_hash("network", network_of(each)) for each in networks],
    }


def _ids(ids: Iterable[UUID]) -> list[bytes]:
    return [form for each in ids for form in (str(each).encode(), each.hex.encode(), each.bytes)]

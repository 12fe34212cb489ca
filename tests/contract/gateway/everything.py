"""An account with everything in it, and a search for whatever of it is left in any table of the five databases."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from asyncpg import Record

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from libs.devstack.device import Device, Person
from libs.runtime.networks import network_of
from services.identity.domain.contact import Channel
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    THIRD_PLACE,
    Household,
    World,
    laptop_fields,
    once,
    phone_fields,
    wrong,
)
from tests.contract.gateway.titles import GIGABYTE, bring_series, watched

SERVICES = ("identity", "device_trust", "challenge", "download_planning", "gateway")
OWN_HOME = "203.0.113.10"
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
    traces: dict[str, list[bytes]] = field(default_factory=dict)


async def live(world: World) -> Everything:
    """A household's life: devices, codes by mail and text, refusals, downloads, viewing, one who leaves."""
    await bring_series(world, "harbour", episodes=3)
    home = await world.household()
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
    devices = [home.tv, phone, friend, texted, thief]
    everything = Everything(home=home, devices=devices, codes=codes, tokens=tokens, leaver=leaver)
    everything.traces = await _traces(world, everything)
    return everything


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
    contacts = (home.owner.email, home.owner.phone)
    # Where who left lives on is known of that account, too.
    networks = {each.ip_address for each in everything.devices} - {everything.leaver.tv.ip_address}
    keys = world.code_keys
    return {
        "account id": _ids([account_id]),
        "profile id": _ids([UUID(home.profile_id)]),
        "device id": [each.device_id.encode() for each in everything.devices],
        "session id": _ids(row["session_id"] for row in sessions),
        "email": [home.owner.email.encode()],
        "phone": [home.owner.phone.encode()],
        "hash of a contact in identity": list(world.identity.keys.email_hashes(home.owner.email)),
        "hash of a contact in challenge": [keys.destination_hash(each.casefold()) for each in contacts],
        "hash of a network in device_trust": [world.network_hasher.hash(each) for each in networks],
        "hash of a network in identity": [
            world.identity.keys.guess_hash("network", network_of(each)) for each in networks
        ],
        "hash of a network in challenge": [keys.bucket_hash("network", network_of(each)) for each in networks],
    }


def _ids(ids: Iterable[UUID]) -> list[bytes]:
    return [form for each in ids for form in (str(each).encode(), each.hex.encode(), each.bytes)]


async def found(world: World, traces: dict[str, list[bytes]]) -> dict[str, set[str]]:
    """In which tables each sort of trace stands: every table of every database, as text and as bytes."""
    hits: dict[str, set[str]] = {name: set() for name in traces}
    keys = await world.databases["identity"].fetch("select account_id, wrapped_key from contact_key")
    data_keys = {row["account_id"]: row["wrapped_key"] for row in keys}
    for service in SERVICES:
        database = world.databases[service]
        tables = await database.fetch(
            "select table_name from information_schema.tables where table_schema = 'public' order by table_name"
        )
        for table in (row["table_name"] for row in tables):
            rows = await database.fetch(f'select t.* from "{table}" t')  # noqa: S608 - a name from the catalogue
            dump = b"\n".join(_dumped(value) for row in rows for value in row.values())
            dump += b"\n".join(_opened(world, f"{service}.{table}", row, data_keys) for row in rows)
            for name, looked_for in traces.items():
                if any(each in dump for each in looked_for):
                    hits[name].add(f"{service}.{table}")
    return hits


def _opened(world: World, table: str, row: Record, data_keys: dict[UUID, bytes]) -> bytes:
    """What is sealed in a row, opened with the services' own keys: an address that is sealed is held all the same."""
    account_id: Any = row.get("account_id")
    keys = world.identity.keys
    if table == "identity.contact":
        sealed, channel = row["sealed_destination"], Channel(row["channel"])
        return keys.open(sealed, account_id=account_id, channel=channel, data_key=data_keys.get(account_id)).encode()
    if table in {"identity.contact_change", "identity.approver"}:
        contact_id, channel = row.get("contact_id") or row["approver_id"], Channel(row["channel"])
        sealed = [value for value in (row["sealed_destination"], row.get("sealed_former")) if value]
        opened = [keys.open(each, account_id=account_id, channel=channel, contact_id=contact_id) for each in sealed]
        return "\n".join(opened).encode()
    if table == "identity.extra_member" and row["sealed_email"]:
        return keys.open_invited(row["sealed_email"], account_id=account_id, member_id=row["member_id"]).encode()
    if table == "challenge.delivery" and row["sealed_destination"]:
        return world.code_keys.open_destination(
            row["account_id"], row["delivery_id"], row["sealed_destination"]
        ).encode()
    return b""


def _dumped(value: Any) -> bytes:
    """A value as text, and, of bytes, as they are, so that an id within a packed value is found, too."""
    match value:
        case bytes():
            return value + b"\n" + value.hex().encode()
        case list() | tuple():
            return b"\n".join(_dumped(each) for each in value)
        case dict():
            return json.dumps(value, default=str).encode()
    return str(value).encode()

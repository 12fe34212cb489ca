"""Request ids, allowed callers, bad input, and how many round trips an assessment takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.persistence.database import Database
from libs.runtime.errors import ErrorReason
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.records import Client
from services.device_trust.storage.sql import LOAD_FACTS
from services.device_trust.use_cases.assess_device import assess_device
from tests.contract.device_trust.device_trust_world import FRIEND, HOTEL, World, client, expect, timestamp

Make = Callable[[World, str], Any]


def confirm(world: World, request_id: str) -> Any:
    return pb.ConfirmDeviceRequest(
        request_id=request_id,
        account_id=str(world.account),
        client=client("friend", FRIEND),
        basis=pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE,
    )


def defer(world: World, request_id: str) -> Any:
    return pb.DeferVerificationRequest(
        request_id=request_id, account_id=str(world.account), client=client("friend", FRIEND)
    )


def residence(world: World, request_id: str) -> Any:
    return pb.DeclareResidenceRequest(
        request_id=request_id, account_id=str(world.account), client=client("founder", FRIEND), name="Lake"
    )


def travel(world: World, request_id: str) -> Any:
    start = world.context.clock.now()
    return pb.DeclareTravelRequest(
        request_id=request_id,
        account_id=str(world.account),
        country_code="BR",
        start_time=timestamp(start),
        end_time=timestamp(start + timedelta(days=2)),
    )


def altered(request: Any) -> Any:
    """The same request id with another body."""
    if isinstance(request, pb.ConfirmDeviceRequest):
        request.basis = pb.CONFIRMATION_BASIS_OWNER_CODE
    elif isinstance(request, pb.DeferVerificationRequest):
        request.client.device.id = "another-device"
    elif isinstance(request, pb.DeclareResidenceRequest):
        request.name = "Sea"
    else:
        request.country_code = "PT"
    return request


WRITERS = [
    pytest.param("ConfirmDevice", confirm, id="ConfirmDevice"),
    pytest.param("DeferVerification", defer, id="DeferVerification"),
    pytest.param("DeclareResidence", residence, id="DeclareResidence"),
    pytest.param("DeclareTravel", travel, id="DeclareTravel"),
]


@pytest.mark.parametrize(("method", "make"), WRITERS)
async def test_the_same_request_gets_the_same_answer_and_counts_once(world: World, method: str, make: Make) -> None:
    await world.create_account()
    request = make(world, str(world.ids.new()))
    answers = await asyncio.gather(*(world.say(method, request) for _ in range(5)))
    world.clock.advance(timedelta(days=20))
    answers.append(await world.say(method, request))
    assert all(answer == answers[0] for answer in answers)
    for table in ("allowance_use", "travel"):
        assert await world.context.database.fetch_value(f"select count(*) from {table}") <= 1  # noqa: S608
    assert await world.context.database.fetch_value("select count(*) from residence") <= 2


@pytest.mark.parametrize(("method", "make"), WRITERS)
async def test_a_request_id_with_another_body_is_refused(world: World, method: str, make: Make) -> None:
    await world.create_account()
    request = make(world, str(world.ids.new()))
    await world.say(method, request)
    with expect(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await world.say(method, altered(request))


async def test_a_request_id_is_not_shared_between_methods_but_is_between_accounts(world: World) -> None:
    request_id = world.ids.new()
    await world.confirm(client("friend", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE, request_id)
    with expect(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await world.defer(client("friend", FRIEND), request_id)
    other = await world.another_account().defer(client("friend", FRIEND), request_id)
    assert other.standing == standing_pb2.STANDING_UNCONFIRMED


async def test_a_repeat_from_another_network_is_the_same_request(world: World) -> None:
    request_id = world.ids.new()
    first = await world.confirm(client("friend", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE, request_id)
    again = await world.confirm(client("friend", HOTEL), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE, request_id)
    assert again == first


async def test_a_refused_request_leaves_nothing_and_may_succeed_later(world: World) -> None:
    await world.create_account()
    request_id = world.ids.new()
    for number in range(2):
        await world.confirm(client(f"guest-{number}", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE)
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED):
        await world.confirm(client("late", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE, request_id)
    assert "late" not in await world.devices()
    world.clock.advance(timedelta(days=90))
    late = await world.confirm(client("late", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE, request_id)
    assert late.standing == standing_pb2.STANDING_GUEST


async def test_callers_other_than_the_gateway_are_refused_but_the_operator_where_the_contract_says_so(
    world: World,
) -> None:
    await world.create_account()
    account_id = str(world.account)
    open_to_operator = [
        ("ListDevices", pb.ListDevicesRequest(account_id=account_id)),
        ("GetHousehold", pb.GetHouseholdRequest(account_id=account_id)),
    ]
    for method, request in open_to_operator:
        await world.say(method, request, caller="operator")
        with expect(ErrorReason.CALLER_NOT_ALLOWED):
            await world.say(method, request, caller="challenge")
    for method, make in (("ConfirmDevice", confirm), ("DeferVerification", defer), ("DeclareTravel", travel)):
        with expect(ErrorReason.CALLER_NOT_ALLOWED):
            await world.say(method, make(world, str(world.ids.new())), caller="operator")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda request: request.client.ClearField("device"), "client.device"),
        (lambda request: setattr(request.client, "ip_address", "203.0.113.300"), "client.ip_address"),
        (lambda request: setattr(request.client, "country_code", "Germany"), "client.country_code"),
        (lambda request: setattr(request.client.device, "id", "no spaces"), "client.device.id"),
        (lambda request: setattr(request.client.device, "kind", 99), "client.device.kind"),
        (lambda request: setattr(request.client.device, "name", "x" * 81), "client.device.name"),
        (lambda request: setattr(request, "basis", 0), "basis"),
        (lambda request: setattr(request, "account_id", "none"), "account_id"),
        (lambda request: setattr(request, "request_id", ""), "request_id"),
    ],
)
async def test_bad_input_names_its_field(world: World, change: Callable[[Any], None], field: str) -> None:
    request = confirm(world, str(world.ids.new()))
    change(request)
    with expect(ErrorReason.INVALID_FIELD, field):
        await world.say("ConfirmDevice", request)


@pytest.mark.parametrize("kind", client_context_pb2.DeviceKind.values()[1:])
@pytest.mark.parametrize("platform", [client_context_pb2.PLATFORM_ANDROID, client_context_pb2.PLATFORM_OTHER])
async def test_every_kind_of_device_is_kept(world: World, kind: Any, platform: Any) -> None:
    await world.record(world.sighting(client("device", kind=kind, platform=platform)))
    device = (await world.devices())["device"]
    assert (device.kind, device.platform) == (kind, platform)


class CountingDatabase:
    """The database, with its statements counted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += 1
        return getattr(self._database, name)


async def test_an_assessment_is_one_statement_whose_plan_never_reads_what_grows_with_sightings(world: World) -> None:
    await world.create_account()
    seen = [world.sighting(client("tv"), timedelta(hours=hour)) for hour in range(500)]
    await world.record(*seen)
    counting = CountingDatabase(world.context.database)
    network = NetworkHasher(b"n" * 32).look(HOTEL)
    tv = Client(
        device_id="tv", kind="TV", name="", platform="TIZEN", network=network.narrow, wide=network.wide, country="DE"
    )
    context = replace(world.context, database=counting)  # type: ignore[arg-type]  # it counts, and does what is used
    assert (await assess_device(context, world.account, tv)).known_device
    assert counting.statements == 1
    now = world.clock.now()
    arguments = (world.account, "tv", now, now, network.narrow, (64500).to_bytes(8, "big"))
    plan = await world.context.database.fetch("explain " + LOAD_FACTS, *arguments)
    text = "\n".join(row[0] for row in plan)
    assert all(table in text for table in ("device", "history", "crowd"))
    assert not any(table in text for table in ("presence", "sighting_seen", "network_seen"))

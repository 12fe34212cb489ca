"""Starting the gateway and its four leaves, as their own processes would, and stopping one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import Channel, open_channel
from libs.rpc.server import Registration
from libs.runtime.clock import FakeClock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.keys import new_secret
from libs.runtime.tasks import running
from libs.testing.plugin import ServiceDatabaseFactory
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox
from services.challenge import assembly
from services.challenge.domain.codes import SecretRandomness
from services.challenge.privacy_servicer import privacy_registration as challenge_privacy_registration
from services.challenge.servicer import registration as challenge_registration
from services.challenge.settings import ChallengeSettings
from services.device_trust import main as device_trust_main
from services.device_trust.domain.model import Model
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.domain.scoring import scorer
from services.device_trust.privacy_servicer import privacy_registration as device_trust_privacy_registration
from services.device_trust.servicer import DeviceTrustServicer
from services.device_trust.use_cases.context import Context as DeviceTrustContext
from services.download_planning import main as planning_main
from services.download_planning.privacy_servicer import privacy_registration as planning_privacy_registration
from services.download_planning.settings import DownloadPlanningSettings
from services.gateway import main as gateway_main
from services.gateway.own_account_worker import run_own_accounts
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder
from services.identity import main as identity_main
from services.identity.meter import Meter
from services.identity.settings import IdentitySettings
from tests.contract.device_trust.device_trust_model import plain_model_data
from tests.contract.gateway.gateway_world import (
    BACKEND,
    DISOWN_URL,
    GATEWAY,
    GATEWAY_SERVICES,
    OPERATOR,
    STRANGER,
    Part,
    World,
)
from tests.messages import renderer_of

TOKEN_LIFE = timedelta(days=366)
_TOKEN_LIVES = {
    f"{prefix}{token}_token_seconds": (TOKEN_LIFE * times).total_seconds()
    for prefix in ("", "keyless_")
    for token, times in (("session", 1), ("refresh", 2))
} | {f"{prefix}session_days": TOKEN_LIFE.days * 3 for prefix in ("", "keyless_")}
ASKED_AT_ONCE = Policy(
    tolerated_days=0,
    thief_threshold=0.5,
    guest_lease=timedelta(days=14),
    deferral=timedelta(days=7),
    guest_days_90=18,
    guest_leases_per_account=3,
    guest_leases_per_network=2,
    deferrals_per_account=2,
    deferrals_per_network=1,
    travel_days_per_year=60,
    max_residences=3,
)
"""A friend's device is asked at its first start, rather than watched for days; with each number that a test names."""


async def start_world(
    stack: AsyncExitStack,
    service_database: ServiceDatabaseFactory,
    clock: FakeClock,
    policy: Policy = ASKED_AT_ONCE,
    challenge: dict[str, Any] | None = None,
    identity: dict[str, Any] | None = None,
    **changes: Any,
) -> World:
    """Everything, started; ``policy`` is device_trust's, ``challenge`` and ``identity`` their settings, ``changes`` the
    gateway's."""
    inbox = await stack.enter_async_context(SmtpInbox())
    smsc = await stack.enter_async_context(Smsc())
    world = World(
        stack=stack,
        clock=clock,
        inbox=inbox,
        smsc=smsc,
        policy=policy,
        challenge_settings=challenge or {},
        identity_settings=identity or {},
    )
    for service, build in _LEAVES.items():
        dsns = await service_database(service)
        database = await _connect(world, service, dsns.app)
        await _serve(world, service, await build(world, database, dsns.app), database)
    await _start_gateway(world, (await service_database("gateway")).app, changes)
    for caller in (BACKEND, OPERATOR, STRANGER):
        world.channels[caller.name] = await _open(world, "gateway", caller)
    for leaf in ("device_trust", "identity"):
        world.channels[f"gateway@{leaf}"] = await _open(world, leaf, GATEWAY)
    for leaf in ("identity", "download_planning"):
        world.channels[f"operator@{leaf}"] = await _open(world, leaf, OPERATOR)
    return world


async def _start_gateway(world: World, dsn: str, changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "database_url": dsn,
        "caller_secret": GATEWAY.secret,
        "master_keys": new_secret(),
        "alike_milliseconds": 0,
        "notice_poll_seconds": 0.05,
        "own_account_poll_seconds": 0.2,
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
    await world.stack.enter_async_context(running(context.notices.run(), name="notices"))
    await world.stack.enter_async_context(running(context.epochs.run(), name="epochs"))
    world.gateway, world.gateway_fields = context, fields | changes
    await world.stack.enter_async_context(running(run_own_accounts(context), name="own accounts"))
    await _serve(world, "gateway", gateway_main.registrations(settings, context), database)


async def _identity(world: World, database: Database, dsn: str) -> list[Registration]:
    fields: dict[str, Any] = {"database_url": dsn, "contact_keys": new_secret(), "contact_form": "envelope"}
    # These tests let days pass between two calls; that tokens run out within minutes has tests of its own.
    settings = IdentitySettings(**(fields | world.identity_settings)).model_copy(update=_TOKEN_LIVES)
    passwords = identity_main.build_passwords(settings)
    world.stack.callback(passwords.close)
    identity = identity_main.build_identity(settings, database=database, clock=world.clock, passwords=passwords)
    world.identity = identity
    meter = Meter(longest=10)
    world.stack.push_async_callback(meter.close)
    world.stack.callback(identity.known_passwords.close)
    world.stack.push_async_callback(identity.after_answers.finish)
    return identity_main.registrations(identity, meter)


async def _device_trust(world: World, database: Database, dsn: str) -> list[Registration]:
    context = DeviceTrustContext(
        database=database,
        clock=world.clock,
        ids=Uuid7Ids(),
        policy=world.policy,
        retention=Retention(),
        scorer=scorer(_model()),
    )
    servicer = DeviceTrustServicer(context, world.network_hasher)
    return [device_trust_main.registration(servicer), device_trust_privacy_registration(context)]


def _model() -> Model:
    """The plain model, in which a profile and other new devices have a weight, too: so it shows what was told."""
    data = plain_model_data()
    data["household"]["weights"]["profile"] = [0.0, -1.0, 1.0]
    data["household"]["weights"]["newcomers"] = [0.0, -0.5, -1.0]
    return Model.of(data)


async def _challenge(world: World, database: Database, dsn: str) -> list[Registration]:
    fields: dict[str, Any] = {
        "database_url": dsn,
        "smtp_url": world.inbox.url,
        "text_url": world.smsc.url,
        "code_pepper": new_secret(),
        "sealing_keys": new_secret(),
        "drain_seconds": 1,
        "delivery_poll_seconds": 0.05,
        "disown_url": DISOWN_URL,
        "sends_per_account": 20,
        "sends_per_destination": 100,
    }
    settings = ChallengeSettings(**(fields | world.challenge_settings))
    receipts = assembly.ReceiptTaker()
    senders = assembly.build_senders(settings, world.clock, receipts)
    world.stack.push_async_callback(senders.close)
    parts = assembly.build_parts(
        settings,
        database=database,
        clock=world.clock,
        ids=Uuid7Ids(),
        randomness=SecretRandomness(),
        senders=senders,
        receipts=receipts,
        renderer=renderer_of(settings),
    )
    await world.stack.enter_async_context(assembly.running_workers(parts))
    world.code_keys = parts.context.keys
    return [challenge_registration(parts.context), challenge_privacy_registration(parts.context)]


async def _download_planning(world: World, database: Database, dsn: str) -> list[Registration]:
    settings = DownloadPlanningSettings(database_url=dsn)  # type: ignore[arg-type]  # pydantic wraps it
    context = planning_main.build_context(settings, database, world.clock)
    return [planning_main.registration(context), planning_privacy_registration(context)]


_LEAVES: dict[str, Callable[[World, Database, str], Awaitable[list[Registration]]]] = {
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
    world.parts[service] = Part(registrations=registrations, database=database)
    world.stack.push_async_callback(world.stop, service)
    await world.start(service)
    world.addresses[service] = world.parts[service].address


async def _open(world: World, service: str, caller: CallerCredentials) -> Channel:
    """A channel that sends once: these tests look at what the services answer, not at what a second try makes of it."""
    once = [(service.full_name, "") for service in GATEWAY_SERVICES]
    return await world.stack.enter_async_context(open_channel(world.addresses[service], caller=caller, unretried=once))

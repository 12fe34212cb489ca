"""Challenge servers by the production builder, over a database of their own with the app role, with real providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from libs.persistence.database import Database
from libs.rpc.channel import open_channel
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import FakeClock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.keys import new_secret, secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox
from services.challenge.assembly import ReceiptTaker, build_parts, build_senders, running_workers
from services.challenge.domain.codes import SecretRandomness
from services.challenge.privacy_servicer import privacy_registration
from services.challenge.servicer import registration
from services.challenge.settings import ChallengeSettings
from tests.contract.challenge.challenge_world import GATEWAY, OPERATOR, STRANGER, Replica, StartReplica, World
from tests.messages import renderer_of


@pytest.fixture
def changed_settings() -> dict[str, Any]:
    """Settings that differ from the defaults; a module or class that needs others overrides this."""
    return {}


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[SmtpInbox]:
    """The owner's mail server."""
    async with SmtpInbox() as server:
        yield server


@pytest_asyncio.fixture
async def smsc() -> AsyncIterator[Smsc]:
    """The owner's text provider."""
    async with Smsc() as server:
        yield server


@pytest_asyncio.fixture
async def start_replica(clock: FakeClock) -> AsyncIterator[StartReplica]:
    """Starts instances of the service; each is stopped after the test, or before by its ``stop``."""
    async with AsyncExitStack() as replicas:

        async def start(settings: ChallengeSettings, *, workers: bool = True) -> Replica:
            stack = await replicas.enter_async_context(AsyncExitStack())
            dsn = settings.database_url.get_secret_value()
            database = await Database.connect(dsn, application_name="challenge", pool_size=20)
            stack.push_async_callback(database.close)
            receipts = ReceiptTaker()
            senders = build_senders(settings, clock, receipts)
            stack.push_async_callback(senders.close)
            parts = build_parts(
                settings,
                database=database,
                clock=clock,
                ids=Uuid7Ids(),
                randomness=SecretRandomness(),
                senders=senders,
                receipts=receipts,
                renderer=renderer_of(settings),
            )
            callers = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR, STRANGER)}
            server = build_server(
                ServerOptions(callers=callers),
                [registration(parts.context), privacy_registration(parts.context)],
                database.ping,
            )
            if workers:
                await stack.enter_async_context(running_workers(parts))
            await stack.enter_async_context(server)
            stubs = [
                rpc.ChallengeServiceStub(
                    await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}", caller=caller))
                )
                for caller in (GATEWAY, OPERATOR, STRANGER)
            ]
            return Replica(
                gateway=stubs[0], operator=stubs[1], stranger=stubs[2], parts=parts, server=server, stop=stack.aclose
            )

        yield start


@pytest_asyncio.fixture
async def settings(
    service_database: ServiceDatabaseFactory, inbox: SmtpInbox, smsc: Smsc, changed_settings: dict[str, Any]
) -> ChallengeSettings:
    """Settings over a new database, with both providers."""
    fields: dict[str, Any] = {
        "database_url": (await service_database("challenge")).app,
        "smtp_url": inbox.url,
        "text_url": smsc.url,
        "code_pepper": new_secret(),
        "sealing_keys": new_secret(),
        "drain_seconds": 2,
        "delivery_poll_seconds": 0.05,
        "watch_poll_seconds": 0.2,
        "disown_url": "https://www.example.com/not-me#{token}",
    }
    return ChallengeSettings(**(fields | changed_settings))


@pytest_asyncio.fixture
async def world(
    settings: ChallengeSettings, start_replica: StartReplica, clock: FakeClock, inbox: SmtpInbox, smsc: Smsc
) -> World:
    """A running service, with an account that it never saw."""
    replica = await start_replica(settings)
    return World(
        replica=replica,
        settings=settings,
        database=replica.parts.context.database,
        clock=clock,
        inbox=inbox,
        smsc=smsc,
        account=uuid4(),
    )

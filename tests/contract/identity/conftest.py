"""An identity server by the production builder, over a database of its own with the app role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from libs.persistence.database import Database
from libs.rpc.channel import open_channel
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import FakeClock
from libs.runtime.keys import secret_digest
from libs.runtime.settings import load_settings
from libs.testing.plugin import ServiceDatabaseFactory
from services.identity.main import build_identity, registrations
from services.identity.meter import Meter
from services.identity.passwords import Passwords
from services.identity.settings import IdentitySettings
from tests.contract.identity.identity_world import GATEWAY, OPERATOR, STRANGER, CountingHasher, World


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> IdentitySettings:
    """The defaults, with what has none."""
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://unused")
    monkeypatch.setenv("HEARTHGATE_CONTACT_KEYS", f"first:{'A' * 43}")
    return load_settings(IdentitySettings)


@pytest_asyncio.fixture
async def world(
    service_database: ServiceDatabaseFactory, clock: FakeClock, settings: IdentitySettings
) -> AsyncIterator[World]:
    """A running service, with a stub for each caller."""
    dsns = await service_database("identity")
    hasher = CountingHasher()
    async with AsyncExitStack() as stack:
        database = await Database.connect(dsns.app, application_name="identity", pool_size=20)
        stack.push_async_callback(database.close)
        passwords = Passwords(hasher, threads=1, waiters=32, retry_after=timedelta(seconds=1))
        stack.callback(passwords.close)
        identity = build_identity(settings, database=database, clock=clock, passwords=passwords)
        callers = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR, STRANGER)}
        meter = Meter(longest=10)
        stack.push_async_callback(meter.close)
        stack.callback(identity.known_passwords.close)
        stack.push_async_callback(identity.after_answers.finish)
        server = build_server(ServerOptions(callers=callers), registrations(identity, meter), database.ping)
        await stack.enter_async_context(server)
        address = f"127.0.0.1:{server.port}"
        channels = {
            caller.name: await stack.enter_async_context(open_channel(address, caller=caller))
            for caller in (GATEWAY, OPERATOR, STRANGER)
        }
        yield World(
            channels=channels,
            identity=identity,
            clock=clock,
            hasher=hasher,
            dsns=dsns,
            address=address,
        )


@pytest.fixture
def impatient(world: World) -> None:
    """Identity as it is delivered, but that refused guesses do not pause."""
    # The servers hold the same record.
    object.__setattr__(world.identity, "guesses", replace(world.identity.guesses, pause=timedelta()))

"""A device_trust server by the production builder, over a database of its own with the app role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.persistence.database import Database
from libs.rpc.channel import open_channel
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import FakeClock
from libs.runtime.ids import SequentialIds, Uuid7Ids
from libs.runtime.keys import secret_digest
from libs.testing.plugin import ServiceDatabaseFactory
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.main import registration
from services.device_trust.privacy_servicer import privacy_registration
from services.device_trust.servicer import DeviceTrustServicer
from services.device_trust.use_cases.context import Context
from tests.contract.device_trust.device_trust_world import GATEWAY, OPERATOR, PINNED, PLAIN, STRANGER, World


@pytest.fixture
def policy() -> Policy:
    """One that asks at once, its numbers pinned; a module that needs another one overrides this."""
    return PINNED


@pytest_asyncio.fixture
async def world(
    service_database: ServiceDatabaseFactory, clock: FakeClock, ids: SequentialIds, policy: Policy
) -> AsyncIterator[World]:
    """A running service, with channels for each caller, and an account that it never saw."""
    dsns = await service_database("device_trust")
    async with AsyncExitStack() as stack:
        database = await Database.connect(dsns.app, application_name="device_trust", pool_size=20)
        stack.push_async_callback(database.close)
        context = Context(database=database, clock=clock, ids=ids, policy=policy, retention=Retention(), scorer=PLAIN)
        servicer = DeviceTrustServicer(context, NetworkHasher(b"n" * 32))
        callers = {each.name: [secret_digest(each.secret)] for each in (GATEWAY, OPERATOR, STRANGER)}
        server = build_server(
            ServerOptions(callers=callers), [registration(servicer), privacy_registration(context)], database.ping
        )
        await stack.enter_async_context(server)
        stubs = {}
        for caller in (GATEWAY, OPERATOR, STRANGER):
            channel = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}", caller=caller))
            stubs[caller.name] = rpc.DeviceTrustServiceStub(channel)
        yield World(stubs=stubs, context=context, clock=clock, account=Uuid7Ids().new())

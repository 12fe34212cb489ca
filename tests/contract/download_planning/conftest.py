"""Fixtures: the service over a database of its own, by the production builder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory
from tests.contract.download_planning.download_planning_world import NOW, Service, StartService, start_service


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at the moment from which the requests count."""
    return FakeClock(NOW)


@pytest_asyncio.fixture
async def start(service_database: ServiceDatabaseFactory, clock: FakeClock) -> AsyncIterator[StartService]:
    """``await start(watchers_max=1)``: the service with these settings; a second call starts a second replica."""
    dsns = await service_database("download_planning")
    async with AsyncExitStack() as stack:

        async def one(**settings: Any) -> Service:
            return await start_service(stack, dsns.app, clock, **settings)

        yield one


@pytest_asyncio.fixture
async def service(start: StartService) -> Service:
    """The service with its default settings."""
    return await start()

"""The gateway and its leaves for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from libs.runtime.clock import FakeClock
from libs.testing.plugin import ServiceDatabaseFactory
from services.device_trust.domain.policy import Policy
from tests.contract.gateway.gateway_parts import ASKED_AT_ONCE, start_world
from tests.contract.gateway.gateway_world import Household, World


@pytest.fixture
def gateway_settings() -> dict[str, Any]:
    """Settings of the gateway that differ from the defaults; a module that needs others overrides this."""
    return {}


@pytest.fixture
def challenge_settings() -> dict[str, Any]:
    """Settings of challenge that differ from those of the world; a module that needs others overrides this."""
    return {}


@pytest.fixture
def identity_settings() -> dict[str, Any]:
    """Settings of identity that differ from those of the world; a module that needs others overrides this."""
    return {}


@pytest.fixture
def device_trust_policy() -> Policy:
    """The policy of device_trust; a module that needs another one overrides this."""
    return ASKED_AT_ONCE


@pytest_asyncio.fixture
async def world(
    service_database: ServiceDatabaseFactory,
    clock: FakeClock,
    gateway_settings: dict[str, Any],
    challenge_settings: dict[str, Any],
    identity_settings: dict[str, Any],
    device_trust_policy: Policy,
) -> AsyncIterator[World]:
    """Everything that runs."""
    async with AsyncExitStack() as stack:
        yield await start_world(
            *(stack, service_database, clock, device_trust_policy, challenge_settings, identity_settings),
            **gateway_settings,
        )


@pytest_asyncio.fixture
async def home(world: World) -> Household:
    """A household with a television, signed in."""
    return await world.household()

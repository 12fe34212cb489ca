"""Allowances hold however many ask at once; the same test shows that they would not without the lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.confirmation import confirm
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import Client, ConfirmationBasis, NetworkHash
from services.device_trust.storage.requests import Request
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.looking import look_up
from services.device_trust.use_cases.purchases import keep_purchase
from tests.contract.device_trust.device_trust_world import FRIEND, PINNED, World, client

AT_ONCE = 12
LEASES = 3


@pytest.fixture
def policy() -> Policy:
    """As many leases for a network as for the account, so that one limit is raced for."""
    return replace(PINNED, guest_leases_per_account=LEASES, guest_leases_per_network=LEASES, deferrals_per_network=2)


async def leases_of(world: World) -> int:
    count: int = await world.context.database.fetch_value(
        "select count(*) from allowance_use where account_id = $1 and kind = 'GUEST_LEASE'", world.account
    )
    return count


async def granted(asking: Awaitable[pb.Assessment]) -> bool:
    """Whether the allowance had one left; any other refusal fails the test."""
    try:
        await asking
    except ServiceError as error:
        if error.reason is not ErrorReason.ALLOWANCE_EXHAUSTED:
            raise
        return False
    return True


async def confirm_through_the_service(world: World, number: int) -> bool:
    seen = client(f"guest-{number}", "198.51.100.20")
    return await granted(world.confirm(seen, pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE))


async def confirm_naively(world: World, number: int, counted: asyncio.Barrier) -> bool:
    """The same rule and the same statements without the lock: all have counted before the first one inserts."""
    network = NetworkHash(b"n" * 16)
    seen = Client(device_id=f"guest-{number}", kind="TV", name="", platform="TIZEN", network=network)
    asked = Request(account_id=world.account, request_id=world.ids.new(), digest=b"")
    async with world.context.database.transaction() as transaction:
        store = Store(transaction)
        facts = await look_up(world.context, store, world.account, seen, world.clock.now())
        await counted.wait()
        purchase = confirm(facts, ConfirmationBasis.HOUSEHOLD_CODE, world.context.policy)
        await keep_purchase(world.context, store, asked, facts, purchase)
    return purchase.use is not None


async def test_devices_that_confirm_at_once_never_exceed_the_allowance_while_the_naive_version_does(
    world: World,
) -> None:
    await world.create_account()
    bought = await asyncio.gather(*(confirm_through_the_service(world, number) for number in range(AT_ONCE)))
    assert (sum(bought), await leases_of(world)) == (LEASES, LEASES)

    control, counted = world.another_account(), asyncio.Barrier(AT_ONCE)
    await control.create_account()
    naive = await asyncio.gather(*(confirm_naively(control, number, counted) for number in range(AT_ONCE)))
    assert (sum(naive), await leases_of(control)) == (AT_ONCE, AT_ONCE)


async def test_devices_that_defer_at_once_never_exceed_the_allowance(world: World) -> None:
    await world.create_account()
    asking = (granted(world.defer(client(f"guest-{number}", "198.51.100.20"))) for number in range(AT_ONCE))
    assert sum(await asyncio.gather(*asking)) == 2


async def test_accounts_do_not_wait_for_one_another(world: World) -> None:
    other = world.another_account()
    for each in (world, other):
        await each.create_account()

    @asynccontextmanager
    async def locked() -> AsyncIterator[Executor]:
        async with world.context.database.transaction() as transaction:
            await Store(transaction).lock_household(world.account, world.clock.now())
            yield transaction

    async with locked():
        assessment: Any = await other.confirm(client("guest", FRIEND), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE)
        assert assessment.standing == standing_pb2.STANDING_GUEST
        # Nor does an assessment of the locked account.
        assert (await world.assess(client("guest", FRIEND))).standing == standing_pb2.STANDING_UNCONFIRMED

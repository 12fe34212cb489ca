"""What does not show in a single call: keys that are rotated, and what the locks are there for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from libs.runtime.errors import ErrorReason
from services.identity.contact_keys import ContactKeys
from services.identity.use_cases.activate_account import activate_account
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.context import Identity
from services.identity.use_cases.create_account import NewAccount, create_account
from services.identity.use_cases.create_profile import create_profile
from services.identity.use_cases.get_contacts import get_contacts
from tests.contract.identity.identity_world import EMAIL, PASSWORD, World, new_id, refused

OLD, NEW = b"o" * 32, b"n" * 32


def with_keys(world: World, *masters: bytes) -> Identity:
    """A replica of the service with these contact keys."""
    return replace(world.identity, keys=ContactKeys(masters))


def sign_up(request_id: UUID) -> NewAccount:
    """A sign-up in which everything is right."""
    return NewAccount(
        request_id=request_id,
        email=EMAIL,
        phone="",
        password=PASSWORD,
        country_code="DE",
        language="",
        profile_name="Ada",
        plan_id="",
        profile_move=None,
    )


async def test_accounts_stay_usable_while_keys_are_rotated_step_by_step(world: World) -> None:
    request_id = uuid4()
    created = await create_account(sign_up(request_id), identity=with_keys(world, OLD))
    # The first step reaches every replica before the second one begins, so nobody meets a key unknown to it.
    second_step = [with_keys(world, OLD, NEW), with_keys(world, NEW, OLD)]
    await activate_account(created.account_id, identity=second_step[0])
    for replica in second_step:
        assert (await authenticate(EMAIL, PASSWORD, identity=replica)).account.account_id == created.account_id
        assert await create_account(sign_up(request_id), identity=replica) == created
        found = await get_contacts(created.account_id, identity=replica)
        assert [contact.destination for contact in found.contacts] == [EMAIL]
        assert (await create_account(sign_up(uuid4()), identity=replica)).email_taken


async def test_replicas_at_different_steps_do_not_give_an_address_twice(world: World) -> None:
    replicas = [with_keys(world, OLD, NEW), with_keys(world, NEW, OLD)]
    created = [await create_account(sign_up(uuid4()), identity=each) for each in replicas * 3]
    activations = (
        activate_account(account.account_id, identity=replica)
        for account, replica in zip(created, replicas * 3, strict=True)
    )
    answers = await asyncio.gather(*activations, return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


class WithoutLock:
    """The database with account rows read but not held, and everybody counting before anybody adds."""

    def __init__(self, inner: Any, everybody_counted: asyncio.Barrier) -> None:
        self._inner = inner
        self._everybody_counted = everybody_counted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """Run a statement, without its lock."""
        return await self._inner.fetch_value(sql.replace("for no key update", ""), *args)

    async def fetch_row(self, sql: str, *args: Any) -> Any:
        """Run a statement; a count is answered once everybody has one."""
        row = await self._inner.fetch_row(sql, *args)
        if "identity.count_profiles" in sql:
            await self._everybody_counted.wait()
        return row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WithoutLock]:
        """A transaction with the same fault."""
        async with self._inner.transaction() as transaction:
            yield WithoutLock(transaction, self._everybody_counted)


async def add_profiles(account_id: str, identity: Identity, count: int) -> int:
    """Add profiles all at once; how many were added."""
    calls = (
        create_profile(
            request_id=uuid4(), account_id=UUID(account_id), name="Bea", maturity_age=18, kids=False, identity=identity
        )
        for _ in range(count)
    )
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return sum(not isinstance(answer, BaseException) for answer in answers)


async def test_the_accounts_lock_is_what_holds_the_number_of_profiles(world: World) -> None:
    held, unheld = await world.active(), await world.active(email="bob@example.com")
    assert await add_profiles(held, world.identity, 8) == 4
    without: Any = WithoutLock(world.identity.database, asyncio.Barrier(8))
    assert await add_profiles(unheld, replace(world.identity, database=without), 8) == 8


async def test_ids_that_are_no_uuids_are_named(world: World) -> None:
    with refused(ErrorReason.INVALID_FIELD, "account_id"):
        await world.activate("1")
    with refused(ErrorReason.INVALID_FIELD, "profile_id"):
        await world.move(new_id(), "1", new_id())

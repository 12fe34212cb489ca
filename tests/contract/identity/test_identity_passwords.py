"""Passwords at the door: known and unknown alike, shed before anything is read, renewed when parameters change."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from hearthgate.identity.v1 import password_service_pb2 as password_pb
from hearthgate.identity.v1 import password_service_pb2_grpc as password_rpc
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.known_passwords import open_known_passwords
from services.identity.passwords import Argon2idHasher, Passwords
from services.identity.storage import accounts, protection
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.create_account import NewAccount, create_account
from services.identity.use_cases.rehash_password import rehash_password
from services.identity.use_cases.set_password import SetPassword, set_password
from tests.contract.identity.identity_world import EMAIL, PASSWORD, World, new_id, refused

ANOTHER = "quite another phrase"


class Recorded:
    """A database that writes the names of its statements down, and is held up before one of them."""

    def __init__(self, inner: Any, names: list[str] | None = None) -> None:
        self._inner = inner
        self.names: list[str] = names if names is not None else []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not name.startswith(("fetch", "execute")):
            return method

        async def recorded(sql: str, *args: Any) -> Any:
            self.names.append(sql.split("/* ")[1].split(":")[0])
            return await method(sql, *args)

        return recorded

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Recorded]:
        """A transaction, written down as well."""
        self.names.append("transaction")
        async with self._inner.transaction() as transaction:
            yield Recorded(transaction, self.names)


async def done(world: World, call_it: Any) -> tuple[list[str], int, int]:
    """The statements, checks and hashes that a use case runs, whether it raises or not."""
    database: Any = Recorded(world.identity.database)
    hasher = world.hasher
    before = hasher.verifications, hasher.hashes
    with suppress(ServiceError):
        await call_it(replace(world.identity, database=database))
    return database.names, hasher.verifications - before[0], hasher.hashes - before[1]


async def stored_hash(world: World, account_id: str) -> str:
    """What the password is checked against."""
    stored = await protection.find_credential(world.identity.database, UUID(account_id))
    assert stored is not None
    return stored.password_hash


async def test_a_sign_in_runs_the_same_statements_and_one_check_for_known_and_unknown_addresses(world: World) -> None:
    await world.active()
    await world.create(email="pending@example.com")
    pairs = [(EMAIL, "not the password"), ("nobody@example.com", PASSWORD), ("pending@example.com", PASSWORD)]
    seen = [
        await done(world, lambda identity, e=email, p=password: authenticate(e, p, identity=identity))
        for email, password in [*pairs, ("no address \x00", PASSWORD), ("ада@example.com", PASSWORD)]
    ]
    expected = ["identity.find_address", "identity.find_sign_in", "identity.spend_guess"]
    assert seen == [(expected, 1, 0)] * 5


async def test_a_sign_up_runs_the_same_statements_and_one_hash_for_taken_and_free_addresses(world: World) -> None:
    await world.active()

    def sign_up(email: str) -> Any:
        new = NewAccount(
            request_id=UUID(new_id()),
            email=email,
            phone="",
            password=PASSWORD,
            country_code="DE",
            language="en",
            profile_name="Ada",
            plan_id="",
            profile_move=None,
        )
        return lambda identity: create_account(new, identity=identity)

    taken, free = await done(world, sign_up(EMAIL)), await done(world, sign_up("free@example.com"))
    assert taken == free
    assert taken[1:] == (0, 1)
    assert len(taken[0]) > 5


async def test_where_passwords_are_overloaded_a_sign_in_is_shed_before_it_reads_anything(world: World) -> None:
    full = Passwords(world.hasher, threads=1, waiters=0, retry_after=timedelta(seconds=2))
    database: Any = Recorded(world.identity.database)
    identity = replace(world.identity, passwords=full, database=database)
    try:
        with full.admitted():
            for refused_call in (
                authenticate(EMAIL, PASSWORD, identity=identity),
                set_password(SetPassword(account_id=UUID(new_id()), password=ANOTHER), identity=identity),
            ):
                with refused(ErrorReason.OVERLOADED):
                    await refused_call
        assert database.names == []
    finally:
        full.close()


async def test_a_sign_in_renews_a_hash_of_older_parameters_and_no_other(world: World) -> None:
    account_id, other = await world.active(), await world.active(email="other@example.com")
    before, untouched = await stored_hash(world, account_id), await stored_hash(world, other)
    await world.authenticate()
    await world.identity.after_answers.finish()
    assert await stored_hash(world, account_id) == before

    world.hasher.raise_parameters()
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(password="not the password")
    await world.identity.after_answers.finish()
    assert await stored_hash(world, account_id) == before

    await world.authenticate()
    await world.identity.after_answers.finish()
    after = await stored_hash(world, account_id)
    assert "t=2" in after
    assert "t=1" in before
    assert await stored_hash(world, other) == untouched
    await world.authenticate()
    assert await stored_hash(world, account_id) == after


async def test_a_renewed_hash_does_not_take_the_place_of_a_password_that_was_changed_meanwhile(world: World) -> None:
    account_id = await world.active()
    old = await stored_hash(world, account_id)
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password=ANOTHER))
    await rehash_password(UUID(account_id), old, PASSWORD, identity=world.identity)
    await world.authenticate(password=ANOTHER)

    # The negative control: one that does not compare brings the old password back.
    new = await world.identity.passwords.hash(PASSWORD)
    await accounts.put_password_hash(world.identity.database, UUID(account_id), new, world.clock.now())
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(password=ANOTHER)


async def test_a_repeated_sign_up_is_recognised_after_its_hash_was_renewed(world: World) -> None:
    request_id = new_id()
    account_id = await world.active(request_id=request_id)
    world.hasher.raise_parameters()
    await world.authenticate()
    await world.identity.after_answers.finish()
    assert (await world.create(request_id=request_id)).account_id == account_id
    with refused(ErrorReason.REQUEST_ID_REUSED):
        await world.create(request_id=request_id, password=ANOTHER)


async def test_a_sign_in_is_answered_though_there_is_no_room_to_renew_its_hash(world: World) -> None:
    account_id = await world.active()
    before = await stored_hash(world, account_id)
    world.hasher.raise_parameters()
    busy = replace(world.identity, after_answers=type(world.identity.after_answers)(most=0))
    assert (await authenticate(EMAIL, PASSWORD, identity=busy)).account.account_id == UUID(account_id)
    assert await stored_hash(world, account_id) == before


async def test_a_hash_is_renewed_only_in_room_that_is_to_spare(world: World) -> None:
    account_id = await world.active()
    before = await stored_hash(world, account_id)
    passwords = Passwords(world.hasher, threads=1, waiters=2, retry_after=timedelta(seconds=2))
    try:
        identity = replace(world.identity, passwords=passwords)
        with passwords.admitted(), passwords.admitted():
            await rehash_password(UUID(account_id), before, PASSWORD, identity=identity)
            assert await stored_hash(world, account_id) == before
        await rehash_password(UUID(account_id), before, PASSWORD, identity=identity)
        assert await stored_hash(world, account_id) != before
    finally:
        passwords.close()


def test_a_check_against_an_older_hash_is_right_and_wrong_as_before() -> None:
    old, today = (Argon2idHasher(memory_kib=memory, passes=passes, lanes=1) for memory, passes in ((64, 1), (128, 3)))
    password_hash = old.hash(PASSWORD)
    assert today.outdated(password_hash)
    assert not old.outdated(password_hash)
    assert today.verify(password_hash, PASSWORD)
    assert not today.verify(password_hash, ANOTHER)
    # Dearer than today's: there is nothing to work off.
    assert old.verify(today.hash(PASSWORD), PASSWORD)


async def check(world: World, password: str, **fields: str) -> password_pb.CheckPasswordResponse:
    """What the meter says."""
    stub = password_rpc.PasswordServiceStub(world.channels["gateway"])
    return await call(stub.CheckPassword, password_pb.CheckPasswordRequest(password=password, **fields), timeout=30)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short", password_pb.PASSWORD_REFUSAL_TOO_SHORT),
        ("PasswordPassword", password_pb.PASSWORD_REFUSAL_BREACHED),
        ("1234567890123456", password_pb.PASSWORD_REFUSAL_PATTERN),
        ("lovelace lovelace", password_pb.PASSWORD_REFUSAL_CONTEXT),
        (PASSWORD, password_pb.PASSWORD_REFUSAL_UNSPECIFIED),
    ],
)
async def test_the_meter_foretells_what_a_sign_up_says(
    world: World, password: str, refusal: password_pb.PasswordRefusal.ValueType
) -> None:
    email = "ada.lovelace@example.com"
    said = await check(world, password, email=email, profile_name="Ada")
    assert said.refusal == refusal
    if refusal:
        with refused(ErrorReason.INVALID_FIELD, "password"):
            await world.create(email=email, password=password)
    else:
        await world.create(email=email, password=password)
        assert said.score >= 3


async def test_a_weak_password_that_is_not_refused_is_set_all_the_same(world: World) -> None:
    weak = "i am i am i am what"
    assert (await check(world, weak)).refusal == password_pb.PASSWORD_REFUSAL_UNSPECIFIED
    await world.create(password=weak)


async def test_a_reset_to_the_owners_own_address_is_refused_once_it_is_known_whose_it_is(world: World) -> None:
    account_id = await world.active(email="ada.lovelace@example.com")
    request = pb.SetPasswordRequest(account_id=account_id, password="ada.lovelace@example.com", dry_run=True)
    await world.say("SetPassword", request)
    request.dry_run = False
    with refused(ErrorReason.INVALID_FIELD, "password"):
        await world.say("SetPassword", request)


async def test_a_list_that_cannot_be_read_sets_no_password_and_keeps_nobody_out(world: World, tmp_path: Path) -> None:
    account_id = await world.active()
    file = tmp_path / "breached.txt"
    hashes = sorted(hashlib.sha1(f"p{n}".encode()).hexdigest().upper() for n in range(500))  # noqa: S324 - its form
    file.write_text("".join(f"{each}:1\n" for each in hashes))
    known = open_known_passwords(file)
    identity = replace(world.identity, known_passwords=known)
    try:
        await set_password(SetPassword(account_id=UUID(account_id), password=ANOTHER), identity=identity)
        os.truncate(file, 100)
        with refused(ErrorReason.DEPENDENCY_UNAVAILABLE):
            await set_password(SetPassword(account_id=UUID(account_id), password=PASSWORD), identity=identity)
        await authenticate(EMAIL, ANOTHER, identity=identity)
    finally:
        known.close()


async def both_active(world: World, activate: Any) -> int:
    """Two sign-ups at once for one address, both proved at once: how many of them may be used afterwards."""
    email = f"{new_id()}@example.com"
    made = await asyncio.gather(*(world.create(email=email, password=f"the phrase of {n}") for n in range(2)))
    assert [each.email_taken for each in made] == [False, False]
    await asyncio.gather(*(activate(each.account_id, email) for each in made), return_exceptions=True)
    signed_in = await asyncio.gather(
        *(world.say("GetAccount", pb.GetAccountRequest(account_id=each.account_id)) for each in made)
    )
    return sum(each.account.state == pb.ACCOUNT_STATE_ACTIVE for each in signed_in)


async def test_of_two_sign_ups_at_once_for_one_address_one_gets_it(world: World) -> None:
    assert await both_active(world, lambda account_id, _: world.activate(account_id)) == 1

    # The negative control: one that looks whether the address is free, and then takes it.
    looked = asyncio.Barrier(2)

    async def naive(account_id: str, email: str) -> None:
        hashes = world.identity.keys.email_hashes(email)
        free = await accounts.find_address(world.identity.database, hashes) is None
        await looked.wait()
        if free:
            await accounts.activate_account(world.identity.database, UUID(account_id), world.clock.now())

    assert await both_active(world, naive) == 2

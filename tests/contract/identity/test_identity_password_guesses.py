"""Wrong passwords are counted before they are compared: no more than the limit, alike for every address, and no
stranger locks a known device out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain import password_guesses as rule
from services.identity.domain.password_guesses import Guesses, GuessLimit
from services.identity.passwords import Passwords
from services.identity.storage import password_guesses as storage
from services.identity.storage.password_guesses import Counter, SpentGuess
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.context import Identity
from services.identity.use_cases.reauthentication import reauthenticate
from tests.contract.identity.guess_world import (
    ANOTHER,
    AT_ONCE,
    ELSEWHERE,
    HERE,
    IN_ROW,
    ONE_BACK,
    WRONG,
    guess,
    refusal,
    rows,
    told,
    use_up,
)
from tests.contract.identity.identity_world import (
    EMAIL,
    PASSWORD,
    CountingHasher,
    World,
    refused,
)
from tests.contract.identity.test_identity_passwords import done

pytestmark = pytest.mark.usefixtures("impatient")


async def test_after_ten_wrong_passwords_even_the_right_one_waits_and_is_not_looked_at(world: World) -> None:
    await world.active()
    await use_up(world)
    before = world.hasher.verifications
    error = await refusal(world.authenticate())
    assert world.hasher.verifications == before
    assert error.metadata == {"limit": "password_guesses", "max": "10"}
    assert error.retry_after == ONE_BACK
    world.clock.advance(ONE_BACK)
    await world.authenticate()


async def test_one_guess_comes_back_after_the_other(world: World) -> None:
    await world.active()
    await use_up(world)
    world.clock.advance(ONE_BACK - timedelta(seconds=1))
    assert await guess(world, 1) == [ErrorReason.LIMIT_EXCEEDED]
    world.clock.advance(timedelta(seconds=1))
    assert await guess(world, 2) == [ErrorReason.CREDENTIALS_REJECTED, ErrorReason.LIMIT_EXCEEDED]


async def test_known_and_unknown_addresses_are_limited_alike_in_words_and_statements(world: World) -> None:
    await world.active()
    await world.create(email="pending@example.com")
    told_alike, done_alike = set(), set()
    for email in (EMAIL, "nobody@example.com", "pending@example.com", "no address \x00", "ада@example.com"):
        client = {"device_id": "somebody's-tv", "ip_address": HERE}
        answers = [await refusal(authenticate(email, WRONG, **client, identity=world.identity)) for _ in range(12)]
        told_alike.add(str([told(each) for each in answers]))
        names, checks, hashes = await done(
            world, lambda identity, e=email, c=client: authenticate(e, WRONG, **c, identity=identity)
        )
        done_alike.add((*names, checks, hashes))
    assert len(told_alike) == 1
    assert done_alike == {
        (
            "identity.find_address",
            "identity.find_sign_in",
            "identity.spend_guess_of_network",
            # Only the address has none left: the network gets its own back.
            "identity.give_guess_back",
            "identity.find_guesses",
            0,
            0,
        )
    }


async def test_an_address_is_counted_as_one_however_it_is_written(world: World) -> None:
    await world.active()
    await use_up(world, EMAIL.upper())
    assert await guess(world, 1) == [ErrorReason.LIMIT_EXCEEDED]


async def test_strangers_who_use_everything_up_keep_no_known_device_out(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "owners-tv")
    await world.open(account_id, "other-tv")
    await use_up(world, device_id="strangers-laptop")
    await world.authenticated(device_id="owners-tv")
    assert (await refusal(world.authenticated(device_id="owners-new-phone"))).reason is ErrorReason.LIMIT_EXCEEDED
    await use_up(world, device_id="owners-tv")
    await world.authenticated(device_id="other-tv")


async def test_a_device_that_proved_the_reset_code_gets_in_while_strangers_guess_on(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "owners-tv")
    await use_up(world)
    request = pb.SetPasswordRequest(account_id=account_id, password=ANOTHER, device_id="owners-new-phone")
    await world.say("SetPassword", request)
    await use_up(world)
    await world.authenticated(password=ANOTHER, device_id="owners-new-phone")
    # The television, signed out by the reset, shares a counter with others like it, and not with strangers.
    await world.authenticated(password=ANOTHER, device_id="owners-tv")
    assert (await refusal(world.authenticated(password=ANOTHER, device_id="any"))).reason is ErrorReason.LIMIT_EXCEEDED


async def test_devices_from_before_the_present_password_share_one_counter(world: World) -> None:
    """Whoever had the password once may have signed many devices in: they must not be so many times the guesses."""
    account_id = await world.active()
    devices = [f"thiefs-{number}" for number in range(4)]
    for device in devices:
        await world.open(account_id, device)
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password=ANOTHER))
    answers = [(await guess(world, 1, device_id=devices[number % 4]))[0] for number in range(12)]
    assert answers.count(ErrorReason.CREDENTIALS_REJECTED) == AT_ONCE


async def test_a_device_that_was_shut_out_is_a_strangers(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "thiefs-laptop")
    await world.end(account_id, pb.SESSION_END_REASON_DEVICE_REVOKED, device_id="thiefs-laptop")
    await use_up(world)
    assert await guess(world, 1, device_id="thiefs-laptop") == [ErrorReason.LIMIT_EXCEEDED]


async def test_a_right_password_forgives_the_wrong_ones_of_who_knew_it_and_of_nobody_else(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "owners-tv")
    for _ in range(3):
        assert set(await guess(world, 9)) == {ErrorReason.CREDENTIALS_REJECTED}
        await world.authenticate()
    assert set(await guess(world, 9)) == {ErrorReason.CREDENTIALS_REJECTED}
    await world.authenticated(device_id="owners-tv")
    assert await guess(world, 2) == [ErrorReason.CREDENTIALS_REJECTED, ErrorReason.LIMIT_EXCEEDED]


async def test_signing_in_leaves_no_counter_behind(world: World) -> None:
    await world.active()
    await guess(world, 3)
    await world.authenticate()
    assert await rows(world) == 0


async def test_after_fifty_in_a_row_no_time_helps_and_a_new_password_does(world: World) -> None:
    account_id = await world.active()
    compared = 0
    for _ in range(IN_ROW + 5):
        compared += (await guess(world, 1))[0] is ErrorReason.CREDENTIALS_REJECTED
        world.clock.advance(ONE_BACK)
    assert compared == IN_ROW
    world.clock.advance(timedelta(days=30))
    error = await refusal(world.authenticate())
    assert told(error) == (ErrorReason.LIMIT_EXCEEDED, {"limit": "password_guesses_in_row", "max": "50"}, None, ())
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password=ANOTHER))
    await world.authenticate(password=ANOTHER)


async def raced(identity: Identity, hasher: CountingHasher, count: int) -> int:
    """So many guesses at once, in a bulkhead that has room for all: how many were compared."""
    passwords = Passwords(hasher, threads=1, waiters=count, retry_after=timedelta(seconds=1))
    before = hasher.verifications
    try:
        guesses = (authenticate(EMAIL, WRONG, identity=replace(identity, passwords=passwords)) for _ in range(count))
        await asyncio.gather(*guesses, return_exceptions=True)
    finally:
        passwords.close()
    return hasher.verifications - before


async def test_guesses_at_once_are_compared_no_more_often_than_the_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.active()
    assert await raced(world.identity, world.hasher, 40) == AT_ONCE

    # The negative control: one that reads the counter, and writes it when it has seen that there is room.
    await world.identity.database.execute("delete from password_guess")
    looked = asyncio.Barrier(15)

    async def naive(executor: Any, counters: Sequence[Counter], now: datetime) -> list[SpentGuess]:
        seen = await storage.find_guesses(executor, counters[0])
        await looked.wait()
        after = rule.spend(seen, counters[0].limit, now)
        if not isinstance(after, Guesses):
            return []
        await write(executor, counters[0], after)
        return [SpentGuess(counter=counters[0], guesses=after)]

    monkeypatch.setattr(storage, "spend", naive)
    assert await raced(world.identity, world.hasher, 15) == 15 > AT_ONCE


async def write(executor: Any, counter: Counter, guesses: Guesses) -> None:
    """Put a counter in place, whatever it was."""
    await executor.execute(
        "insert into password_guess (guess_hash, holder, begin_time, attempts, cleared, full_time) "
        "values ($1, $2, $3, $4, $5, $6) on conflict (guess_hash, holder) do update "
        "set attempts = excluded.attempts, cleared = excluded.cleared, full_time = excluded.full_time",
        *(counter.guess_hash, counter.holder),
        *(guesses.begin_time, guesses.attempts, guesses.cleared, guesses.full_time),
    )


def few_from_a_network(world: World, most: int | None) -> Identity:
    """Identity with so many guesses for a network; None: as many as anybody wants."""
    by_network = GuessLimit(name="password_guesses_per_network", at_once=most or 10**6, window=timedelta(hours=1))
    return replace(world.identity, guesses=replace(world.identity.guesses, by_network=by_network))


async def sprayed(world: World, identity: Identity, count: int, **client: str) -> list[ServiceError]:
    """One guess at each of many addresses."""
    return [
        await refusal(authenticate(f"victim{number}@example.com", WRONG, **client, identity=identity))
        for number in range(count)
    ]


async def test_one_password_tried_at_many_addresses_is_stopped_by_network(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "owners-tv")
    identity = few_from_a_network(world, 12)
    answers = await sprayed(world, identity, 20, ip_address=HERE)
    assert [each.reason for each in answers].count(ErrorReason.CREDENTIALS_REJECTED) == 12
    assert told(answers[-1])[:3] == (
        ErrorReason.LIMIT_EXCEEDED,
        {"limit": "password_guesses_per_network", "max": "12"},
        timedelta(minutes=5),
    )
    # An address to which nobody's guess was compared has lost none by it.
    neighbour = {"ip_address": "203.0.113.77"}
    assert (await refusal(authenticate(EMAIL, PASSWORD, **neighbour, identity=identity))).reason is (
        ErrorReason.LIMIT_EXCEEDED
    )
    await authenticate(EMAIL, PASSWORD, device_id="owners-tv", **neighbour, identity=identity)
    await authenticate(EMAIL, PASSWORD, ip_address=ELSEWHERE, identity=identity)
    await authenticate(EMAIL, PASSWORD, identity=identity)

    # The control: without that limit every one is compared.
    answers = await sprayed(world, few_from_a_network(world, None), 20, ip_address="192.0.2.30")
    assert {each.reason for each in answers} == {ErrorReason.CREDENTIALS_REJECTED}


async def test_right_passwords_cost_a_network_nothing_and_buy_it_nothing(world: World) -> None:
    await world.active()
    identity = few_from_a_network(world, 12)
    for _ in range(3):
        for _ in range(15):
            await authenticate(EMAIL, PASSWORD, ip_address=HERE, identity=identity)
        await sprayed(world, identity, 4, ip_address=HERE)
    assert (await sprayed(world, identity, 1, ip_address=HERE))[0].reason is ErrorReason.LIMIT_EXCEEDED


class Breaking(CountingHasher):
    """A hasher that breaks while it is told to."""

    broken = False

    def verify(self, password_hash: str, password: str) -> bool:
        """Verify, or break."""
        if self.broken:
            raise MemoryError
        return super().verify(password_hash, password)


async def test_a_guess_that_was_not_compared_is_given_back(world: World) -> None:
    await world.active()
    hasher = Breaking()
    passwords = Passwords(hasher, threads=1, waiters=32, retry_after=timedelta(seconds=1))
    identity = replace(few_from_a_network(world, 12), passwords=passwords)
    try:
        hasher.broken = True
        for _ in range(20):
            with pytest.raises(MemoryError):
                await authenticate(EMAIL, WRONG, ip_address=HERE, identity=identity)
        hasher.broken = False
        await authenticate(EMAIL, PASSWORD, ip_address=HERE, identity=identity)
    finally:
        passwords.close()


async def test_a_password_that_cannot_be_counted_is_not_compared(world: World) -> None:
    account_id = UUID(await world.active())
    away: Any = CountingAway(world.identity.database)
    identity, before = replace(world.identity, database=away), world.hasher.verifications
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await authenticate(EMAIL, PASSWORD, identity=identity)
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await reauthenticate(account_id, PASSWORD, identity=identity)
    assert world.hasher.verifications == before


class CountingAway:
    """A database that is away for whoever spends a guess."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Read, or fail."""
        if "identity.spend_guess" in sql:
            raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)
        return await self._inner.fetch(sql, *args)

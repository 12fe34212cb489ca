"""Wrong passwords are counted before they are compared: no more than the limit, alike for every address, and no
stranger locks a known device out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as contact_pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as contact_rpc
from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.persistence.retention import apply
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.contact_keys import ContactKeys
from services.identity.domain import password_guesses as rule
from services.identity.domain.password_guesses import Guesses, GuessLimit
from services.identity.passwords import Passwords
from services.identity.retention import IdentityRetention
from services.identity.storage import password_guesses as storage
from services.identity.storage.password_guesses import NETWORK, STRANGERS, Counter, SpentGuess
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.context import Identity
from services.identity.use_cases.erase_account import erase_account
from services.identity.use_cases.reauthentication import reauthenticate
from services.identity.use_cases.set_password import SetPassword, set_password
from tests.contract.identity.identity_world import (
    EMAIL,
    PASSWORD,
    CountingHasher,
    World,
    refused,
)
from tests.contract.identity.test_identity_passwords import Recorded, done

WRONG = "not the password"
ANOTHER = "quite another phrase"
AT_ONCE, IN_ROW, ONE_BACK = 10, 50, timedelta(seconds=90)
HERE, ELSEWHERE = "203.0.113.10", "198.51.100.20"


@pytest.fixture
def world(world: World) -> World:
    """Identity as it is delivered, but that refused guesses do not pause."""
    impatient = replace(world.identity.guesses, pause=timedelta())
    # The servers hold the same record.
    object.__setattr__(world.identity, "guesses", impatient)
    return world


async def refusal(awaitable: Awaitable[Any]) -> ServiceError:
    """The error that a call ends with."""
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value


def told(error: ServiceError) -> tuple[Any, ...]:
    """Everything that an asker sees of an error."""
    return error.reason, error.metadata, error.retry_after, error.fields


async def guess(world: World, times: int, email: str = EMAIL, **client: str) -> list[ErrorReason]:
    """So many wrong passwords, one after the other; the reasons."""
    return [(await refusal(world.authenticated(email, WRONG, **client))).reason for _ in range(times)]


async def use_up(world: World, email: str = EMAIL, **client: str) -> None:
    """All guesses that strangers have at once."""
    assert set(await guess(world, AT_ONCE, email, **client)) == {ErrorReason.CREDENTIALS_REJECTED}
    assert await guess(world, 1, email, **client) == [ErrorReason.LIMIT_EXCEEDED]


async def rows(world: World) -> int:
    """Counters that are kept."""
    count: int = await world.identity.database.fetch_value("select count(*) from password_guess")
    return count


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


async def remove_number(world: World, account_id: str, password: str) -> None:
    """Something that takes the password once more."""
    request = contact_pb.RemoveContactRequest(
        account_id=account_id, channel=standing_pb2.CHANNEL_TEXT, password=password
    )
    await call(contact_rpc.ContactServiceStub(world.channels["gateway"]).RemoveContact, request, timeout=10)


def change(account_id: str, current: str, new: str = ANOTHER) -> pb.SetPasswordRequest:
    """A change of password while signed in."""
    return pb.SetPasswordRequest(account_id=account_id, password=new, current_password=current)


async def test_who_holds_a_session_guesses_no_further_and_keeps_nobody_from_signing_in(world: World) -> None:
    account_id = await world.active()
    answers = [(await refusal(remove_number(world, account_id, WRONG))).reason for _ in range(AT_ONCE + 1)]
    assert answers == [ErrorReason.CREDENTIALS_REJECTED] * AT_ONCE + [ErrorReason.LIMIT_EXCEEDED]
    error = await refusal(world.say("SetPassword", change(account_id, PASSWORD)))
    assert (error.reason, error.metadata["limit"]) == (ErrorReason.LIMIT_EXCEEDED, "password_guesses")
    await world.authenticate()
    assert (await refusal(remove_number(world, account_id, PASSWORD))).reason is ErrorReason.LIMIT_EXCEEDED
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password=ANOTHER))
    await remove_number(world, account_id, ANOTHER)


async def test_a_change_of_password_is_a_guess_for_each_password_that_is_compared(world: World) -> None:
    account_id = await world.active()
    before = world.hasher.verifications
    answers = [
        (await refusal(world.say("SetPassword", change(account_id, f"{WRONG} {n}", f"{ANOTHER} {n}")))).reason
        for n in range(6)
    ]
    assert answers == [ErrorReason.CREDENTIALS_REJECTED] * 5 + [ErrorReason.LIMIT_EXCEEDED]
    assert world.hasher.verifications - before == AT_ONCE


async def test_a_change_that_is_repeated_after_a_lost_answer_clears_the_guess_that_its_old_password_is(
    world: World,
) -> None:
    account_id = await world.active()
    await world.say("SetPassword", change(account_id, PASSWORD))
    for _ in range(AT_ONCE + 5):
        assert (await world.say("SetPassword", change(account_id, PASSWORD))).ended_count == 0


async def test_reauthentication_that_is_shed_reads_nothing(world: World) -> None:
    account_id = UUID(await world.active())
    full = Passwords(world.hasher, threads=1, waiters=0, retry_after=timedelta(seconds=2))
    database: Any = Recorded(world.identity.database)
    try:
        with full.admitted(), refused(ErrorReason.OVERLOADED):
            await reauthenticate(
                account_id, PASSWORD, identity=replace(world.identity, passwords=full, database=database)
            )
        assert database.names == []
    finally:
        full.close()


async def test_reaching_a_limit_is_told_in_the_log_without_the_address(world: World) -> None:
    await world.active()
    with capture_logs() as logs:
        await guess(world, AT_ONCE, ip_address=HERE)
    reached = [each for each in logs if each["event"] == "password guesses limited"]
    assert [(each["limit"], each["max"]) for each in reached] == [("password_guesses", AT_ONCE)]
    assert EMAIL not in str(logs)
    assert HERE not in str(logs)


async def test_no_address_and_no_network_stands_in_the_table(world: World) -> None:
    await world.active()
    await guess(world, 1, ip_address=HERE, device_id="somebody's-tv")
    dump = str([tuple(row) for row in await world.identity.database.fetch("select t.* from password_guess t")])
    for secret in (EMAIL, "ada", "203.0.113", "somebody"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_an_erasure_leaves_no_counter_of_the_account(world: World) -> None:
    account_id = await world.active()
    await world.open(account_id, "owners-tv")
    await guess(world, 2)
    await guess(world, 2, device_id="owners-tv")
    await refusal(remove_number(world, account_id, WRONG))
    await guess(world, 1, "somebody.else@example.com")
    assert await rows(world) == 4
    erased = await erase_account(UUID(account_id), identity=world.identity)
    assert (erased.counts["password_guesses"], erased.counts["more_password_guesses"]) == (2, 1)
    assert await rows(world) == 1


async def test_counters_go_a_quarter_after_the_last_guess_and_networks_as_soon_as_they_are_full(world: World) -> None:
    policy = IdentityRetention.model_construct().retention_policy()

    async def keep() -> int:
        outcomes = await apply(world.identity.database, world.clock, policy)
        assert not any(each.failure for each in outcomes)
        return sum(each.rows for each in outcomes if each.table == "password_guess")

    await world.active()
    await guess(world, 5, ip_address=HERE)
    assert (await keep(), await rows(world)) == (0, 2)
    world.clock.advance(timedelta(hours=1))
    assert (await keep(), await rows(world)) == (1, 1)
    world.clock.advance(timedelta(days=89))
    assert await keep() == 0
    world.clock.advance(timedelta(days=2))
    assert (await keep(), await rows(world)) == (1, 0)


@pytest.mark.parametrize("end", ["reset", "erasure"])
async def test_a_rotation_of_contact_keys_begins_the_counters_anew_and_their_end_finds_them_under_each_key(
    world: World, end: str
) -> None:
    """They are counted under the first key, under which the lookup may not have the address yet."""
    a, b = b"a" * 32, b"b" * 32
    before = replace(world.identity, keys=ContactKeys([a]))
    after = replace(world.identity, keys=ContactKeys([b, a]))
    object.__setattr__(world.identity, "keys", before.keys)
    account_id = UUID(await world.active())
    await use_up(world)
    await refusal(reauthenticate(account_id, WRONG, identity=before))
    assert (await authenticate(EMAIL, PASSWORD, identity=after)).account.account_id == account_id
    await refusal(authenticate(EMAIL, WRONG, identity=after))
    assert await rows(world) == 3
    if end == "reset":
        await set_password(SetPassword(account_id=account_id, password=ANOTHER), identity=after)
    else:
        await erase_account(account_id, identity=after)
    assert await rows(world) == 0


async def test_the_statements_do_what_the_rule_says(world: World) -> None:
    """The same guesses, in the same order, to the statements and to the rule."""
    dice = random.Random(7)
    limits = [
        GuessLimit(name="address", at_once=3, window=timedelta(seconds=30), in_row=9),
        GuessLimit(name="network", at_once=5, window=timedelta(seconds=60)),
    ]
    counters = [
        Counter(guess_hash=bytes([number]) * 32, holder=holder, limit=limit)
        for number, (holder, limit) in enumerate(zip((STRANGERS, NETWORK), limits, strict=True))
    ]
    kept: dict[int, Guesses | None] = {0: None, 1: None}
    under_way: list[tuple[int, SpentGuess]] = []
    database = world.identity.database
    for _ in range(300):
        world.clock.advance(timedelta(seconds=dice.choice([0, 0, 1, 7]), microseconds=1))
        now = world.clock.now()
        match dice.choice(["spend", "spend", "both", "right", "back", "wrong"]):
            case ("spend" | "both") as what:
                asked = counters if what == "both" else counters[:1]
                got = await storage.spend(database, asked, now)
                expected = []
                for number, counter in enumerate(asked):
                    after = rule.spend(kept[number], counter.limit, now)
                    if isinstance(after, Guesses):
                        kept[number] = after
                        expected.append(SpentGuess(counter=counter, guesses=after))
                assert got == expected
                under_way += [(counters.index(each.counter), each) for each in got]
            case what if under_way:
                number, spent = under_way.pop(dice.randrange(len(under_way)))
                guesses, limit = kept[number], spent.counter.limit
                same = guesses is not None and guesses.begin_time == spent.guesses.begin_time
                if what == "right":
                    await storage.clear(database, spent, now)
                    kept[number] = rule.clear(guesses, spent.guesses, limit, now) if same and guesses else guesses
                elif what == "back":
                    await storage.give_back(database, spent, now)
                    kept[number] = rule.give_back(guesses, spent.guesses, limit, now) if same and guesses else guesses
        for number, counter in enumerate(counters):
            assert await storage.find_guesses(database, counter) == kept[number]


async def test_a_gateway_of_the_release_before_is_counted_at_the_address_alone(world: World) -> None:
    """It names neither device nor network."""
    await world.active()
    await use_up(world)
    assert await rows(world) == 1

"""Guesses of who is signed in already, and the counters: what they hold, how long, and what the rule says of them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.persistence.retention import apply
from libs.runtime.errors import ErrorReason
from services.identity.contact_keys import ContactKeys
from services.identity.domain import password_guesses as rule
from services.identity.domain.password_guesses import Guesses, GuessLimit
from services.identity.passwords import Passwords
from services.identity.retention import IdentityRetention
from services.identity.storage import password_guesses as storage
from services.identity.storage.password_guesses import NETWORK, STRANGERS, Counter, SpentGuess
from services.identity.use_cases.authenticate import authenticate
from services.identity.use_cases.erase_account import erase_account
from services.identity.use_cases.reauthentication import reauthenticate
from services.identity.use_cases.set_password import SetPassword, set_password
from tests.contract.identity.guess_world import (
    ANOTHER,
    AT_ONCE,
    HERE,
    WRONG,
    guess,
    refusal,
    remove_number,
    rows,
    use_up,
)
from tests.contract.identity.identity_world import (
    EMAIL,
    PASSWORD,
    World,
    refused,
)
from tests.contract.identity.test_identity_passwords import Recorded

pytestmark = pytest.mark.usefixtures("impatient")


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

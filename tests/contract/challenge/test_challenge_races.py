"""Races, each beside a naive version that fails in the same run."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID, uuid4

import pytest

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from tests.contract.challenge.challenge_world import TRUSTED_DEVICE, World, requester, wrong

_AT_ONCE: Final = 40

_LOOK = "select state, attempts_left from challenge where account_id = $1 and challenge_id = $2"
_REDEEM = """update challenge set state = 'verified', code_hash = null, sealed_code = null
where account_id = $1 and challenge_id = $2"""
_WRITE_ATTEMPTS = "update challenge set attempts_left = $3 where account_id = $1 and challenge_id = $2"


@pytest.fixture
def changed_settings() -> dict[str, object]:
    """Room for as many messages as the races need."""
    return {"sends_per_account": 1000, "sends_per_destination": 1000, "approvals_per_account": 1000}


def key(challenge: pb.Challenge) -> tuple[UUID, UUID]:
    """The key of the challenge's row."""
    return UUID(challenge.account_id), UUID(challenge.challenge_id)


async def redeem_naively(world: World, challenge: pb.Challenge, together: asyncio.Barrier) -> bool:
    """Look, then write: what must not be done."""
    row = await world.database.fetch_row(_LOOK, *key(challenge))
    assert row is not None
    await together.wait()
    if row["state"] != "pending":
        return False
    await world.database.execute(_REDEEM, *key(challenge))
    return True


async def guess_naively(world: World, challenge: pb.Challenge, together: asyncio.Barrier) -> bool:
    """Read the attempts, compare, write one less: what must not be done. Whether a guess was compared."""
    row = await world.database.fetch_row(_LOOK, *key(challenge))
    assert row is not None
    await together.wait()
    if row["attempts_left"] == 0:
        return False
    await world.database.execute(_WRITE_ATTEMPTS, *key(challenge), row["attempts_left"] - 1)
    return True


async def results(world: World, requests: list[pb.VerifyChallengeRequest]) -> Counter[int]:
    """What becomes of requests that are made at once."""
    answers = await asyncio.gather(*(call(world.gateway.VerifyChallenge, each) for each in requests))
    return Counter(each.result for each in answers)


async def test_a_code_entered_many_times_at_once_is_redeemed_once(world: World) -> None:
    control = await world.create()
    together = asyncio.Barrier(2)
    redeemed = await asyncio.gather(*(redeem_naively(world, control, together) for _ in range(2)))
    assert redeemed == [True, True], "the control shows that the race is real"

    for number in range(5):
        challenge = await world.create(requester=requester(f"tv-{number}"))
        code = await world.code_of(challenge)
        counts = await results(world, [world.verification(challenge, code) for _ in range(_AT_ONCE)])
        assert counts[pb.VERIFICATION_RESULT_ACCEPTED] == 1
        assert counts[pb.VERIFICATION_RESULT_WRONG_CODE] == 0


async def test_one_request_repeated_at_once_gets_one_answer_and_spends_one_guess(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    guess, right = world.verification(challenge, wrong(code)), world.verification(challenge, code)
    assert await results(world, [guess] * 10) == {pb.VERIFICATION_RESULT_WRONG_CODE: 10}
    assert (await world.get(challenge)).attempts_left == 4
    assert await results(world, [right] * 10) == {pb.VERIFICATION_RESULT_ACCEPTED: 10}


async def test_many_guesses_at_once_compare_five_at_most(world: World) -> None:
    control = await world.create()
    together = asyncio.Barrier(10)
    compared = await asyncio.gather(*(guess_naively(world, control, together) for _ in range(10)))
    assert sum(compared) > 5, "the control shows that the race is real"

    challenge = await world.create(requester=requester("tv-2"))
    code = wrong(await world.code_of(challenge))
    counts = await results(world, [world.verification(challenge, code) for _ in range(_AT_ONCE)])
    assert counts[pb.VERIFICATION_RESULT_WRONG_CODE] == 5
    assert counts[pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED] == _AT_ONCE - 5
    kept = await world.database.fetch_value(
        "select cardinality(verify_results) from challenge where account_id = $1 and challenge_id = $2",
        *key(challenge),
    )
    assert kept == 5


async def test_guesses_spread_over_many_challenges_at_once_compare_twenty_at_most(world: World) -> None:
    challenges = [await world.create(requester=requester(f"tv-{number}")) for number in range(10)]
    requests = [
        world.verification(challenge, wrong(await world.code_of(challenge)))
        for challenge in challenges
        for _ in range(5)
    ]
    counts = await results(world, requests)
    assert counts[pb.VERIFICATION_RESULT_WRONG_CODE] == 20
    assert counts[pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED] == 30


async def test_a_creation_repeated_at_once_makes_one_challenge(world: World) -> None:
    request = world.creation()
    answers = await asyncio.gather(*(call(world.gateway.CreateChallenge, request) for _ in range(10)))
    assert len({each.challenge.challenge_id for each in answers}) == 1
    assert await world.database.fetch_value("select count(*) from delivery") == 1


async def test_challenges_of_one_device_made_at_once_leave_one_pending(world: World) -> None:
    codes = [world.creation() for _ in range(6)]
    questions = [world.creation(channel=TRUSTED_DEVICE, destination="") for _ in range(3)]
    made = await asyncio.gather(
        *(call(world.gateway.CreateChallenge, each) for each in codes + questions), return_exceptions=True
    )
    assert any(isinstance(each, pb.CreateChallengeResponse) for each in made)
    pending = await world.database.fetch_value("select count(*) from challenge where state = 'pending'")
    assert pending == 1


async def test_a_yes_and_a_no_at_once_end_in_one_of_them(world: World) -> None:
    challenge = await world.create(channel=TRUSTED_DEVICE, destination="")
    answers = await asyncio.gather(
        *(world.decide(challenge, f"phone-{number}", approve=number % 2 == 0) for number in range(8)),
        return_exceptions=True,
    )
    decided = [each for each in answers if isinstance(each, pb.Challenge)]
    assert len(decided) == 1
    assert (await world.get(challenge)).state == decided[0].state


class TestLimitsAtOnce:
    """The limits hold however many come together."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """The defaults."""
        return {}

    async def test_an_account_gets_five_messages_however_many_are_asked_for_at_once(self, world: World) -> None:
        requests = [
            world.creation(requester=requester(f"tv-{number}"), destination=f"o{number}@mailbox.example")
            for number in range(20)
        ]
        await asyncio.gather(*(call(world.gateway.CreateChallenge, each) for each in requests), return_exceptions=True)
        assert await world.database.fetch_value("select count(*) from delivery") == 5

    async def test_a_destination_gets_five_messages_whatever_the_accounts(self, world: World) -> None:
        requests = [world.creation(account_id=str(uuid4())) for _ in range(20)]
        await asyncio.gather(*(call(world.gateway.CreateChallenge, each) for each in requests), return_exceptions=True)
        assert await world.database.fetch_value("select count(*) from delivery") == 5

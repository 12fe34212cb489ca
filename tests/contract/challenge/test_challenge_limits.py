"""Limits that are not an account's: by network, by range of numbers, by money; and what attackers meet there."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge.domain.verification import VerificationResult
from services.challenge.use_cases.verify_challenge import VerifyChallenge, verify_challenge
from tests.contract.challenge.challenge_world import PHONE, TEXT, TV, World, code_in, requester, wrong

_ACCOUNTS: Final = 10_000
_NETWORK: Final = 300
_PREPARE: Final = """insert into challenge (
    account_id, challenge_id, purpose, channel, state, device_id, device_kind, device_platform, device_name,
    country_code, language, masked_destination, match_number, code_hash, sealed_code, attempts_left,
    create_time, expire_time, update_time)
select account_id, account_id, 'confirm_owner', 'email', 'pending', $2, 'tv', 'tizen', '', '', '', '', '',
       '\\x00', '\\x00', 5, $3::timestamptz, $3::timestamptz + interval '10 minutes', $3::timestamptz
from unnest($1::uuid[]) account_id"""

_USED: Final = "select count(*) from rate_bucket where full_time > $1"


async def refused(world: World, **changes: Any) -> ServiceError:
    """The error that a creation of another account meets."""
    with pytest.raises(ServiceError) as caught:
        await world.create(account_id=str(uuid4()), **changes)
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= timedelta(seconds=1)
    return caught.value


async def create(world: World, number: int, **changes: Any) -> pb.Challenge:
    """A code by email for an account and an address of its own."""
    fields: dict[str, Any] = {"account_id": str(uuid4()), "destination": f"o{number}@mailbox.example"}
    return await world.create(**(fields | changes))


class TestByNetwork:
    """Codes asked for from one prefix."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Three a window."""
        return {"sends_per_network": 3}

    async def test_a_network_gets_its_share_whatever_the_accounts_and_the_address_within_it(self, world: World) -> None:
        for number in range(3):
            await create(world, number, ip_address=f"198.51.100.{number}")
        error = await refused(world, destination="o9@mailbox.example", ip_address="198.51.100.200")
        assert error.metadata["limit"] == "network"
        await create(world, 4, ip_address="198.51.101.1")
        await create(world, 5)
        world.clock.advance(error.retry_after or timedelta())
        await create(world, 6, ip_address="::ffff:198.51.100.7")

    async def test_a_refused_code_costs_its_destination_nothing(self, world: World) -> None:
        for number in range(3):
            await create(world, number, ip_address="2001:db8:0:1200::1")
        for _ in range(6):
            await refused(world, ip_address="2001:db8:0:12ff::2")
        await world.create(ip_address="2001:db8:0:1300::1")

    async def test_an_owner_elsewhere_is_not_kept_from_a_code(self, world: World) -> None:
        for number in range(4):
            with pytest.raises(ServiceError) if number == 3 else nullcontext():
                await create(world, number, ip_address="198.51.100.9")
        challenge = await world.create(ip_address="203.0.113.5")
        code = await world.code_of(challenge)
        answer = await world.verify(challenge, code, ip_address="203.0.113.5")
        assert answer.result == pb.VERIFICATION_RESULT_ACCEPTED


class TestByMoney:
    """A ceiling over all."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Enough for two texts, or one text and many emails."""
        return {"spending_per_day": 1.0, "text_price": 0.5, "email_price": 0.01}

    async def test_when_the_days_money_is_spent_nothing_is_sent_until_there_is_more(self, world: World) -> None:
        await create(world, 1, channel=TEXT, destination=PHONE)
        await create(world, 2, channel=TEXT, destination="+81312345678")
        error = await refused(world, channel=TEXT, destination="+33612345678")
        assert error.metadata["limit"] == "spending"
        assert error.retry_after == timedelta(hours=12)
        await refused(world)
        world.clock.advance(timedelta(hours=1))
        await world.create()

    async def test_a_question_on_a_device_costs_nothing(self, world: World) -> None:
        for number in range(2):
            await create(world, number, channel=TEXT, destination=f"+4917012345{number}7")
        await world.create(channel=3, destination="", account_id=str(uuid4()))


class TestPumping:
    """Codes to numbers that nobody reads."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Judged from six."""
        return {"pumping_sent_to_range": 6, "sends_per_phone_range": 1000, "sends_per_destination": 1000}

    async def test_a_range_whose_codes_nobody_enters_is_stopped_and_comes_back_after_the_pause(
        self, world: World
    ) -> None:
        for number in range(6):
            await create(world, number, channel=TEXT, destination=f"+22507070{number:05d}")
        error = await refused(world, channel=TEXT, destination="+2250707009999")
        assert error.metadata["limit"] == "phone_range_stopped"
        assert error.retry_after == timedelta(hours=1)
        await create(world, 7, channel=TEXT, destination="+2250707100001")
        world.clock.advance(timedelta(hours=1))
        await create(world, 8, channel=TEXT, destination="+2250707009999")

    async def test_a_range_whose_people_enter_their_codes_goes_on(self, world: World) -> None:
        for number in range(12):
            challenge = await create(world, number, channel=TEXT, destination=f"+49170123{number:04d}")
            text = await world.smsc.wait_for(f"+49170123{number:04d}")
            if number % 3 == 0:
                await world.verify(challenge, code_in(text.text))


class TestByPhoneRange:
    """Ten thousand numbers in a row."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Three a window."""
        return {"sends_per_phone_range": 3}

    async def test_a_range_gets_its_share_whatever_the_accounts_and_the_number_within_it(self, world: World) -> None:
        for number in range(3):
            await create(world, number, channel=TEXT, destination=f"+49170123{number:04d}")
        error = await refused(world, channel=TEXT, destination="+491701239999")
        assert error.metadata["limit"] == "phone_range"
        await create(world, 4, channel=TEXT, destination="+491701240000")
        await create(world, 5)
        world.clock.advance(error.retry_after or timedelta())
        await create(world, 6, channel=TEXT, destination="+491701239999")


class TestServedCountries:
    """Texts that go to some countries alone."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Two."""
        return {"text_countries": "DE,US"}

    @pytest.mark.parametrize("number", ["+491701234567", "+12015550123"])
    async def test_their_numbers_get_texts(self, world: World, number: str) -> None:
        await world.create(channel=TEXT, destination=number)

    @pytest.mark.parametrize("number", ["+33612345678", "+88213300000", "+12421234567"])
    async def test_others_are_told_so_and_nothing_is_sent(self, world: World, number: str) -> None:
        with pytest.raises(ServiceError) as caught:
            await world.create(channel=TEXT, destination=number)
        assert caught.value.reason is ErrorReason.INVALID_FIELD
        assert [each.field for each in caught.value.fields] == ["destination"]
        assert "country" in caught.value.fields[0].description
        assert await world.database.fetch_value("select count(*) from delivery") == 0


async def test_a_code_works_in_the_session_that_asked_alone(world: World) -> None:
    session, other = str(uuid4()), str(uuid4())
    challenge = await world.create(session_id=session)
    code = await world.code_of(challenge)
    for wrong_session in (other, ""):
        answer = await world.verify(challenge, code, session_id=wrong_session)
        assert answer.result == pb.VERIFICATION_RESULT_UNKNOWN
        assert not answer.HasField("challenge")
    assert (await world.verify(challenge, code, session_id=session)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def spray(world: World, accounts: list[UUID], ip_address: str) -> int:
    """Try one code on each account from one network; how many were compared."""
    context = world.replica.parts.context

    async def guess(account: UUID) -> bool:
        command = VerifyChallenge(
            request_id=uuid4(),
            account_id=account,
            challenge_id=account,
            device_id=TV,
            session_id=None,
            ip_address=ip_address,
            code="123456",
            body=account.bytes,
        )
        try:
            return (await verify_challenge(command, context=context)).result is VerificationResult.WRONG_CODE
        except ServiceError as error:
            if error.reason is not ErrorReason.LIMIT_EXCEEDED:
                raise
            return False

    compared = 0
    for first in range(0, len(accounts), 200):
        compared += sum(await asyncio.gather(*(guess(each) for each in accounts[first : first + 200])))
    return compared


async def test_one_guess_sprayed_over_ten_thousand_accounts_is_compared_a_few_hundred_times(world: World) -> None:
    control = [uuid4() for _ in range(2 * _NETWORK)]
    await world.database.execute(_PREPARE, control, TV, world.clock.now())
    assert await spray(world, control, "") == len(control), "limits of accounts alone, the control, let all be compared"

    accounts = [uuid4() for _ in range(_ACCOUNTS)]
    await world.database.execute(_PREPARE, accounts, TV, world.clock.now())
    assert await spray(world, accounts, "198.51.100.77") == _NETWORK
    touched = await world.database.fetch_value(
        "select count(*) from challenge where account_id = any($1) and attempts_left < 5", accounts
    )
    assert touched == _NETWORK


async def test_right_codes_cost_their_network_nothing(world: World) -> None:
    for number in range(3):
        challenge = await create(world, number, requester=requester(f"tv-{number}"))
        mail = await world.inbox.wait_for(f"o{number}@mailbox.example")
        code = code_in(mail.text)
        await world.verify(challenge, code, ip_address="198.51.100.1")
    used = await world.database.fetch_value(_USED, world.clock.now())
    assert used == 1, "the money alone"
    challenge = await world.create()
    await world.verify(challenge, wrong(await world.code_of(challenge)), ip_address="198.51.100.1")
    used = await world.database.fetch_value(_USED, world.clock.now())
    assert used == 2

"""Codes: asked for, delivered, entered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asyncpg import Record

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.persistence.database import Database, Session
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge.use_cases.verify_challenge import VerifyChallenge, verify_challenge
from tests.contract.challenge.challenge_world import (
    OWNER,
    PHONE,
    TEXT,
    TV,
    World,
    code_in,
    requester,
    wrong,
)


async def test_a_code_by_email_is_redeemed_on_the_device_that_asked(world: World) -> None:
    challenge = await world.create()
    assert challenge.state == pb.CHALLENGE_STATE_PENDING
    assert challenge.masked_destination == "o•••@m•••.example"
    assert challenge.attempts_left == 5
    assert challenge.match_number == ""
    assert challenge.requester == requester()
    assert challenge.expire_time.ToSeconds() - challenge.create_time.ToSeconds() == 600

    answer = await world.verify(challenge, await world.code_of(challenge))

    assert answer.result == pb.VERIFICATION_RESULT_ACCEPTED
    assert answer.challenge.state == pb.CHALLENGE_STATE_VERIFIED


async def test_a_code_by_text_ends_with_the_line_that_binds_it_to_our_domain(world: World) -> None:
    challenge = await world.create(channel=TEXT, destination=PHONE)
    text = await world.smsc.wait_for(PHONE)
    code = code_in(text.text)
    assert challenge.masked_destination == "•••67"
    assert text.text.splitlines()[-1] == f"@hearthgate.example #{code}"
    assert (text.parts, text.data_coding) == (1, 0)
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_the_mail_says_what_device_from_where_what_the_code_does_and_how_to_refuse(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    mail = world.inbox.mails[0]
    for part in (mail.text, mail.html):
        for phrase in ("Living room", "Spain", code, "10 minutes", "limited time", "forward", "not tell anybody"):
            assert phrase in part
        assert "hearthgate.example/account/devices" in part
    assert code not in mail.subject
    assert "<img" not in mail.html


async def test_a_wrong_code_spends_a_guess_and_the_right_one_still_works(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    answer = await world.verify(challenge, wrong(code))
    assert (answer.result, answer.challenge.attempts_left) == (pb.VERIFICATION_RESULT_WRONG_CODE, 4)
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_after_five_wrong_guesses_the_right_code_is_not_compared(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    results = [(await world.verify(challenge, wrong(code))).result for _ in range(5)]
    assert results == [pb.VERIFICATION_RESULT_WRONG_CODE] * 5
    answer = await world.verify(challenge, code)
    assert answer.result == pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED
    assert answer.challenge.state == pb.CHALLENGE_STATE_EXHAUSTED


async def test_a_code_is_redeemed_once_and_a_repeat_of_that_request_is_told_so_again(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    first = world.verification(challenge, code)
    for _ in range(2):
        answer = await call(world.gateway.VerifyChallenge, first)
        assert answer.result == pb.VERIFICATION_RESULT_ACCEPTED
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ALREADY_USED


async def test_a_repeated_wrong_guess_spends_nothing(world: World) -> None:
    challenge = await world.create()
    request = world.verification(challenge, wrong(await world.code_of(challenge)))
    answers = [await call(world.gateway.VerifyChallenge, request) for _ in range(3)]
    assert [each.result for each in answers] == [pb.VERIFICATION_RESULT_WRONG_CODE] * 3
    assert answers[-1].challenge.attempts_left == 4


async def test_a_verify_request_id_with_another_code_is_an_error(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    request = world.verification(challenge, wrong(code))
    await call(world.gateway.VerifyChallenge, request)
    request.code = code
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.VerifyChallenge, request)
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert [each.field for each in caught.value.fields] == ["request_id"]


async def test_a_request_id_of_another_challenge_or_rpc_is_an_error(world: World) -> None:
    creation = world.creation()
    challenge = (await call(world.gateway.CreateChallenge, creation)).challenge
    other = await world.create(requester=requester("tv-2"))
    guess = world.verification(other, wrong(await world.code_of(other)))
    await call(world.gateway.VerifyChallenge, guess)
    for request_id in (creation.request_id, guess.request_id):
        with pytest.raises(ServiceError) as caught:
            await world.verify(challenge, await world.code_of(challenge), request_id=request_id)
        assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert (await world.get(challenge)).attempts_left == 5


async def test_another_device_another_account_and_an_unknown_challenge_are_answered_alike(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    other_device = await world.verify(challenge, code, device_id="tv-2")
    other_account = await world.verify(challenge, code, account_id=str(uuid4()))
    never_made = await world.verify(challenge, code, challenge_id=str(uuid4()))
    unknown = pb.VerifyChallengeResponse(result=pb.VERIFICATION_RESULT_UNKNOWN)
    assert [other_device, other_account, never_made] == [unknown] * 3
    assert (await world.get(challenge)).attempts_left == 5


async def test_a_code_is_too_late_after_ten_minutes(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    world.clock.advance(timedelta(minutes=10))
    answer = await world.verify(challenge, code)
    assert answer.result == pb.VERIFICATION_RESULT_EXPIRED
    assert answer.challenge.state == pb.CHALLENGE_STATE_EXPIRED


async def test_a_newer_challenge_of_the_same_device_and_purpose_takes_the_place_of_the_older(world: World) -> None:
    older = await world.create()
    old_code = await world.code_of(older)
    elsewhere = await world.create(requester=requester("tv-2"))
    newer = await world.create()
    assert (await world.get(older)).state == pb.CHALLENGE_STATE_SUPERSEDED
    assert (await world.get(elsewhere)).state == pb.CHALLENGE_STATE_PENDING
    assert (await world.verify(older, old_code)).result == pb.VERIFICATION_RESULT_EXPIRED
    assert (await world.verify(newer, await world.code_of(newer))).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_a_repeated_creation_gives_the_same_challenge_and_sends_once(world: World) -> None:
    request = world.creation()
    answers = [await call(world.gateway.CreateChallenge, request) for _ in range(3)]
    assert len({each.challenge.challenge_id for each in answers}) == 1
    assert len(answers[-1].challenge.deliveries) == 1


async def test_a_creation_request_id_with_another_body_is_an_error(world: World) -> None:
    request = world.creation()
    await call(world.gateway.CreateChallenge, request)
    request.language = "de"
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.CreateChallenge, request)
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_wrong_guesses_of_an_account_outlive_a_new_challenge(world: World) -> None:
    for device in range(4):
        challenge = await world.create(requester=requester(f"tv-{device}"))
        code = await world.code_of(challenge)
        for _ in range(5):
            assert (await world.verify(challenge, wrong(code))).result == pb.VERIFICATION_RESULT_WRONG_CODE
    world.clock.advance(timedelta(minutes=55))
    fresh = await world.create(requester=requester("tv-9"))
    refused = world.verification(fresh, await world.code_of(fresh))
    answer = await call(world.gateway.VerifyChallenge, refused)
    assert (answer.result, answer.challenge.attempts_left) == (pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED, 5)

    world.clock.advance(timedelta(minutes=6))
    repeat = await call(world.gateway.VerifyChallenge, refused)
    assert repeat.result == pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED, "the same request has the same answer"
    again = await world.create(requester=requester("tv-9"))
    assert (await world.verify(again, await world.code_of(again))).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_a_success_does_not_refill_the_failures_of_the_hour(world: World) -> None:
    for device in range(4):
        challenge = await world.create(requester=requester(f"tv-{device}"))
        code = await world.code_of(challenge)
        for _ in range(4):
            await world.verify(challenge, wrong(code))
        assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED
    last = await world.create(requester=requester("tv-9"))
    code = await world.code_of(last)
    for _ in range(4):
        assert (await world.verify(last, wrong(code))).result == pb.VERIFICATION_RESULT_WRONG_CODE
    assert (await world.verify(last, code)).result == pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED


async def test_the_sixth_message_to_an_account_in_ten_minutes_is_refused_with_the_time_to_wait(world: World) -> None:
    for number in range(5):
        await world.create(requester=requester(f"tv-{number}"), destination=f"o{number}@mailbox.example")
        world.clock.advance(timedelta(minutes=1))
    with pytest.raises(ServiceError) as caught:
        await world.create(destination="o9@mailbox.example")
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.retry_after == timedelta(minutes=5)
    world.clock.advance(timedelta(minutes=5))
    await world.create(destination="o9@mailbox.example")


async def test_the_sixth_message_to_a_destination_is_refused_whatever_the_account_and_the_case(world: World) -> None:
    for _ in range(5):
        await world.create(account_id=str(uuid4()))
    with pytest.raises(ServiceError) as caught:
        await world.create(account_id=str(uuid4()), destination=OWNER.upper())
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.retry_after == timedelta(minutes=10)


async def test_a_resend_carries_the_same_code_under_the_same_message_id(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    since = world.inbox.position
    request_id = str(uuid4())
    for _ in range(2):
        resent = await world.resend(challenge, request_id=request_id)
    assert len(resent.deliveries) == 2
    second = await world.inbox.wait_for(OWNER, since=since)
    assert code_in(second.text) == code
    assert second.message_id == world.inbox.mails[0].message_id


async def test_a_resend_is_refused_for_unknown_ended_and_foreign_ones(world: World) -> None:
    challenge = await world.create()
    with pytest.raises(ServiceError) as caught:
        await world.resend(challenge, challenge_id=str(uuid4()))
    assert caught.value.reason is ErrorReason.NOT_FOUND
    with pytest.raises(ServiceError) as caught:
        await world.resend(challenge, destination="somebody.else@mailbox.example")
    assert [each.field for each in caught.value.fields] == ["destination"]
    await world.verify(challenge, await world.code_of(challenge))
    with pytest.raises(ServiceError) as caught:
        await world.resend(challenge)
    assert caught.value.reason is ErrorReason.STATE_CONFLICT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"destination": "olive@one@two.example"}, "destination"),
        ({"destination": "olive\r\nBcc: all@x.example"}, "destination"),
        ({"destination": ""}, "destination"),
        ({"destination": "a" * 255}, "destination"),
        ({"channel": TEXT, "destination": "0170 1234567"}, "destination"),
        ({"channel": 0}, "channel"),
        ({"channel": 77}, "channel"),
        ({"purpose": 0}, "purpose"),
        ({"request_id": "1"}, "request_id"),
        ({"account_id": "olive"}, "account_id"),
        ({"requester": None}, "requester"),
        ({"language": "not a language"}, "language"),
    ],
)
async def test_bad_input_names_its_field_and_sends_nothing(
    world: World, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        await world.create(**changes)
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert field in [each.field for each in caught.value.fields]
    assert await world.database.fetch_value("select count(*) from delivery") == 0


async def test_only_the_gateway_creates_and_the_operator_reads(world: World) -> None:
    challenge = await world.create()
    for stub in (world.replica.operator, world.replica.stranger):
        with pytest.raises(ServiceError) as caught:
            await call(stub.CreateChallenge, world.creation())
        assert caught.value.reason is ErrorReason.CALLER_NOT_ALLOWED
    read = pb.GetChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
    assert (await call(world.replica.operator.GetChallenge, read)).challenge.challenge_id == challenge.challenge_id


class TestWithFiveFailuresInARow:
    """The longest row of failures, here a short one."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, Any]:
        """Five in a row, where the hour allows twenty."""
        return {"consecutive_failures": 5}

    async def test_after_it_a_guess_is_compared_once_a_day_until_one_is_right(self, world: World) -> None:
        challenge = await world.create()
        for _ in range(5):
            await world.verify(challenge, wrong(await world.code_of(challenge)))
        world.clock.advance(timedelta(hours=2))
        challenge = await world.create()
        code = await world.code_of(challenge)
        assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ATTEMPTS_EXHAUSTED
        world.clock.advance(timedelta(hours=22, seconds=1))
        challenge = await world.create()
        assert (await world.verify(challenge, await world.code_of(challenge))).result == pb.VERIFICATION_RESULT_ACCEPTED
        challenge = await world.create()
        code = await world.code_of(challenge)
        assert (await world.verify(challenge, wrong(code))).result == pb.VERIFICATION_RESULT_WRONG_CODE
        assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_ACCEPTED


async def test_an_unknown_challenge_costs_the_same_work_as_a_wrong_code(world: World) -> None:
    challenge = await world.create()
    code = wrong(await world.code_of(challenge))
    work = []
    for challenge_id in (challenge.challenge_id, str(uuid4())):
        recorded = RecordedDatabase(world.database)
        command = VerifyChallenge(
            request_id=uuid4(),
            account_id=world.account,
            challenge_id=UUID(challenge_id),
            device_id=TV,
            session_id=None,
            ip_address="192.0.2.7",
            code=code,
            body=challenge_id.encode(),
        )
        await verify_challenge(command, context=replace(world.replica.parts.context, database=recorded))
        work.append(recorded.names)
    known, unknown = work
    looked = ["begin_request", "find_challenge", "charge_bucket", "charge_failure"]
    assert known == [*looked, "spend_guess", "list_deliveries"]
    assert unknown == [*looked, "settle_failure", "list_deliveries"]


class RecordedDatabase(Database):
    """A database that remembers the names of the statements it ran, each of which it committed."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.names: list[str] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session whose statements are remembered."""
        async with self._inner._connection() as connection:
            yield RecordedSession(connection, self.names)


class RecordedSession(Session):
    """A session that remembers."""

    def __init__(self, connection: Any, names: list[str]) -> None:
        super().__init__(connection)
        self._names = names

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """See ``Session``."""
        self._remember(sql)
        return await super().fetch(sql, *args)

    async def fetch_row(self, sql: str, *args: Any) -> Record | None:
        """See ``Session``."""
        self._remember(sql)
        return await super().fetch_row(sql, *args)

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """See ``Session``."""
        self._remember(sql)
        return await super().fetch_value(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """See ``Session``."""
        self._remember(sql)
        return await super().execute(sql, *args)

    def _remember(self, sql: str) -> None:
        self._names.append(sql.partition(".")[2].partition(":")[0])

"""Approvals: a question on a device of the household, and those who wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from uuid import uuid4

import pytest

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.challenge.v1 import challenge_service_pb2_grpc as rpc
from libs.rpc.channel import call, call_stream
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.challenge.challenge_world import (
    HOME_PHONE,
    OWNER,
    TRUSTED_DEVICE,
    TV,
    StartReplica,
    World,
    requester,
    wrong,
)


def watch(stub: rpc.ChallengeServiceStub, challenge: pb.Challenge) -> AsyncGenerator[pb.WatchChallengeResponse]:
    """Watch a challenge."""
    request = pb.WatchChallengeRequest(account_id=challenge.account_id, challenge_id=challenge.challenge_id)
    return call_stream(stub.WatchChallenge, request, timeout=20)


async def question(world: World) -> pb.Challenge:
    """A question on the devices of the household."""
    return await world.create(channel=TRUSTED_DEVICE, destination="")


async def test_a_question_shows_a_number_to_match_and_sends_nothing(world: World) -> None:
    challenge = await question(world)
    assert len(challenge.match_number) == 2
    assert challenge.match_number.isdecimal()
    assert not challenge.deliveries
    assert challenge.masked_destination == ""


@pytest.mark.parametrize(
    ("approve", "state"), [(True, pb.CHALLENGE_STATE_APPROVED), (False, pb.CHALLENGE_STATE_REJECTED)]
)
async def test_a_household_device_decides_once_and_may_repeat_itself(
    world: World, approve: bool, state: pb.ChallengeState.ValueType
) -> None:
    challenge = await question(world)
    for _ in range(2):
        assert (await world.decide(challenge, HOME_PHONE, approve=approve)).state == state
    for device, opinion in ((HOME_PHONE, not approve), ("another-phone", approve)):
        with pytest.raises(ServiceError) as caught:
            await world.decide(challenge, device, approve=opinion)
        assert caught.value.reason is ErrorReason.STATE_CONFLICT


async def test_a_device_does_not_decide_about_itself(world: World) -> None:
    challenge = await question(world)
    with pytest.raises(ServiceError) as caught:
        await world.decide(challenge, TV, approve=True)
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert [each.field for each in caught.value.fields] == ["deciding_device_id"]
    assert (await world.get(challenge)).state == pb.CHALLENGE_STATE_PENDING


async def test_an_unknown_and_a_foreign_challenge_are_not_found(world: World) -> None:
    challenge = await question(world)
    foreign = pb.Challenge(account_id=str(uuid4()), challenge_id=challenge.challenge_id)
    unknown = pb.Challenge(account_id=challenge.account_id, challenge_id=str(uuid4()))
    for each in (foreign, unknown):
        with pytest.raises(ServiceError) as caught:
            await world.decide(each, HOME_PHONE, approve=True)
        assert caught.value.reason is ErrorReason.NOT_FOUND
        with pytest.raises(ServiceError) as caught:
            await world.get(each)
        assert caught.value.reason is ErrorReason.NOT_FOUND


async def test_a_question_is_not_answered_by_a_code_nor_decided_too_late(world: World) -> None:
    challenge = await question(world)
    assert (await world.verify(challenge, "123456")).result == pb.VERIFICATION_RESULT_UNKNOWN
    world.clock.advance(timedelta(minutes=10))
    with pytest.raises(ServiceError) as caught:
        await world.decide(challenge, HOME_PHONE, approve=True)
    assert caught.value.reason is ErrorReason.STATE_CONFLICT


async def test_it_was_not_me_ends_a_code_but_a_yes_does_not_replace_it(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    with pytest.raises(ServiceError) as caught:
        await world.decide(challenge, HOME_PHONE, approve=True)
    assert caught.value.reason is ErrorReason.STATE_CONFLICT
    assert (await world.decide(challenge, HOME_PHONE, approve=False)).state == pb.CHALLENGE_STATE_REJECTED
    assert (await world.verify(challenge, code)).result == pb.VERIFICATION_RESULT_EXPIRED


async def test_pending_challenges_are_listed_newest_first(world: World) -> None:
    first = await question(world)
    world.clock.advance(timedelta(seconds=1))
    second = await world.create(requester=requester("tv-2"))
    ended = await world.create(requester=requester("tv-3"))
    await world.decide(ended, HOME_PHONE, approve=False)
    listed = await call(
        world.gateway.ListPendingChallenges, pb.ListPendingChallengesRequest(account_id=str(world.account))
    )
    assert [each.challenge_id for each in listed.challenges] == [second.challenge_id, first.challenge_id]
    assert [len(each.deliveries) for each in listed.challenges] == [1, 0]


async def test_the_fifth_question_in_ten_minutes_was_the_last(world: World) -> None:
    for _ in range(5):
        await question(world)
    with pytest.raises(ServiceError) as caught:
        await question(world)
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    await world.create(requester=requester("tv-2"))


async def test_who_watches_on_another_replica_hears_of_the_decision(world: World, start_replica: StartReplica) -> None:
    other = await start_replica(world.settings)
    challenge = await question(world)
    async with aclosing(watch(other.gateway, challenge)) as states, asyncio.timeout(10):
        assert (await anext(states)).challenge == challenge
        await world.decide(challenge, HOME_PHONE, approve=True)
        assert (await anext(states)).challenge.state == pb.CHALLENGE_STATE_APPROVED
        with pytest.raises(StopAsyncIteration):
            await anext(states)


async def test_a_watcher_sees_guesses_and_deliveries_until_the_end(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    async with aclosing(watch(world.gateway, challenge)) as states, asyncio.timeout(10):
        shown = (await anext(states)).challenge
        while shown.deliveries[0].state != pb.DELIVERY_STATE_ACCEPTED:
            shown = (await anext(states)).challenge
        await world.verify(challenge, wrong(code))
        assert (await anext(states)).challenge.attempts_left == 4
        await world.verify(challenge, code)
        assert [each.challenge.state async for each in states] == [pb.CHALLENGE_STATE_VERIFIED]


async def test_without_hints_the_poll_shows_the_change(world: World, start_replica: StartReplica) -> None:
    challenge = await question(world)
    async with aclosing(watch(world.gateway, challenge)) as states, asyncio.timeout(10):
        await anext(states)
        await world.database.execute("update challenge set state = 'rejected'")
        assert (await anext(states)).challenge.state == pb.CHALLENGE_STATE_REJECTED


async def test_a_watch_ends_when_the_time_is_up(world: World) -> None:
    challenge = await question(world)
    world.clock.advance(timedelta(minutes=10, milliseconds=-50))
    async with aclosing(watch(world.gateway, challenge)) as states, asyncio.timeout(10):
        assert (await anext(states)).challenge.state == pb.CHALLENGE_STATE_PENDING
        world.clock.advance(timedelta(milliseconds=50))
        assert [each.challenge.state async for each in states] == [pb.CHALLENGE_STATE_EXPIRED]


async def test_a_replica_that_goes_away_ends_its_watches_with_draining(
    world: World, start_replica: StartReplica
) -> None:
    other = await start_replica(world.settings)
    challenge = await question(world)
    async with aclosing(watch(other.gateway, challenge)) as states, asyncio.timeout(10):
        await anext(states)
        stopping = asyncio.create_task(other.server.stop(1.0))
        with pytest.raises(ServiceError) as caught:
            await anext(states)
        assert caught.value.reason is ErrorReason.DRAINING
        await stopping


async def test_an_unknown_challenge_is_not_watched(world: World) -> None:
    unknown = pb.Challenge(account_id=str(world.account), challenge_id=str(uuid4()))
    with pytest.raises(ServiceError) as caught:
        await anext(watch(world.gateway, unknown))
    assert caught.value.reason is ErrorReason.NOT_FOUND


class TestWithRoomForOneWatcher:
    """The number of watchers is bounded."""

    @pytest.fixture
    def changed_settings(self) -> dict[str, object]:
        """Room for one."""
        return {"watchers": 1}

    async def test_the_second_watcher_is_asked_to_come_again(self, world: World) -> None:
        challenge = await question(world)
        async with aclosing(watch(world.gateway, challenge)) as states:
            await anext(states)
            with pytest.raises(ServiceError) as caught:
                await anext(watch(world.gateway, challenge))
            assert caught.value.reason is ErrorReason.OVERLOADED
            assert caught.value.retry_after == timedelta(seconds=1)


async def test_a_question_takes_no_destination(world: World) -> None:
    with pytest.raises(ServiceError) as caught:
        await world.create(channel=TRUSTED_DEVICE, destination=OWNER)
    assert [each.field for each in caught.value.fields] == ["destination"]

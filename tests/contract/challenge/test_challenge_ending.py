"""EndChallenges, and codes that count only where they went to a contact that is the account's still."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.challenge.challenge_world import (
    EMAIL,
    OWNER,
    PHONE,
    TEXT,
    TRUSTED_DEVICE,
    StartReplica,
    World,
    code_in,
    requester,
)
from tests.contract.challenge.test_challenge_approvals import watch

SECOND = "second.adult@mailbox.example"
PENDING, SUPERSEDED = pb.CHALLENGE_STATE_PENDING, pb.CHALLENGE_STATE_SUPERSEDED
ACCEPTED, EXPIRED = pb.VERIFICATION_RESULT_ACCEPTED, pb.VERIFICATION_RESULT_EXPIRED
TO_CONTACTS = (
    pb.CHALLENGE_PURPOSE_CONFIRM_HOUSEHOLD,
    pb.CHALLENGE_PURPOSE_CONFIRM_OWNER,
    pb.CHALLENGE_PURPOSE_PASSWORD_RESET,
    pb.CHALLENGE_PURPOSE_PROFILE_TRANSFER,
)
TO_NEW_ADDRESSES = (pb.CHALLENGE_PURPOSE_SIGN_UP, pb.CHALLENGE_PURPOSE_VERIFY_CONTACT)


@pytest.fixture
def changed_settings() -> dict[str, Any]:
    """More codes at once than anybody needs."""
    return {"sends_per_account": 50, "sends_per_destination": 50}


def contacts(*destinations: str) -> pb.PresentContacts:
    """What an account has now."""
    return pb.PresentContacts(destinations=destinations)


def ending(world: World, *kept: str, account_id: str = "") -> pb.EndChallengesRequest:
    """A wish that what went elsewhere ends."""
    return pb.EndChallengesRequest(account_id=account_id or str(world.account), contacts=contacts(*kept))


async def end(world: World, *kept: str) -> int:
    """End what went elsewhere; how many there were."""
    answer: pb.EndChallengesResponse = await call(world.gateway.EndChallenges, ending(world, *kept))
    return answer.ended_count


async def sent(
    world: World, destination: str, purpose: pb.ChallengePurpose.ValueType = TO_CONTACTS[0], **changes: Any
) -> pb.Challenge:
    """A code to a destination, or a question on a device; each asks from a device of its own."""
    channel = TEXT if destination.startswith("+") else EMAIL if destination else TRUSTED_DEVICE
    device = requester(f"tv-{destination.casefold()[:6].strip('+')}-{purpose}")
    return await world.create(
        **({"purpose": purpose, "destination": destination, "channel": channel, "requester": device} | changes)
    )


async def code_to(world: World, address: str, challenge: pb.Challenge) -> str:
    """The code of a challenge."""
    message_id = challenge.deliveries[0].delivery_id
    return code_in((await world.inbox.wait_for(address, lambda mail: message_id in mail.message_id)).text)


async def test_what_went_to_no_present_contact_ends_and_nothing_else_does(world: World) -> None:
    gone = [await sent(world, SECOND, purpose) for purpose in TO_CONTACTS]
    other_account = "00000000-0000-4000-8000-000000000001"
    stays = [
        *[await sent(world, OWNER, purpose) for purpose in TO_CONTACTS],
        await sent(world, PHONE),
        *[await sent(world, SECOND, purpose) for purpose in TO_NEW_ADDRESSES],
        await sent(world, ""),
        await sent(world, SECOND, account_id=other_account),
    ]
    codes = [await code_to(world, SECOND, each) for each in gone]
    assert await end(world, OWNER.upper(), PHONE) == len(gone)
    assert [(await world.get(each)).state for each in gone] == [SUPERSEDED] * len(gone)
    assert [(await world.get(each)).state for each in stays] == [PENDING] * len(stays)
    assert await end(world, OWNER.upper(), PHONE) == 0
    for each, code in zip(gone, codes, strict=True):
        assert (await world.verify(each, code)).result == EXPIRED
    assert (await world.verify(stays[0], await code_to(world, OWNER, stays[0]))).result == ACCEPTED


async def test_without_a_contact_no_code_of_a_contact_is_left(world: World) -> None:
    each = [await sent(world, OWNER), await sent(world, PHONE)]
    assert await end(world) == len(each)
    kept = await world.database.fetch("select code_hash, sealed_code from challenge")
    assert [tuple(row) for row in kept] == [(None, None)] * len(each)


async def test_a_watcher_sees_the_end_at_once(world: World) -> None:
    challenge = await sent(world, SECOND)
    async with aclosing(watch(world.gateway, challenge)) as states:
        assert (await anext(states)).challenge.state == PENDING
        await end(world, OWNER)
        async for shown in states:
            state = shown.challenge.state
    assert state == SUPERSEDED


async def test_a_code_that_waits_to_be_sent_is_not_sent_after_the_end(
    world: World, start_replica: StartReplica
) -> None:
    await world.replica.stop()
    idle = await start_replica(world.settings, workers=False)
    gone, stays = [
        (
            await call(idle.gateway.CreateChallenge, world.creation(destination=to, requester=requester(to[:6])))
        ).challenge
        for to in (SECOND, OWNER)
    ]
    await call(idle.gateway.EndChallenges, ending(world, OWNER))
    await start_replica(world.settings)
    await world.inbox.wait_for(OWNER, lambda mail: stays.deliveries[0].delivery_id in mail.message_id)
    request = pb.GetChallengeRequest(account_id=gone.account_id, challenge_id=gone.challenge_id)
    async with asyncio.timeout(20):
        state = pb.DELIVERY_STATE_QUEUED
        while state == pb.DELIVERY_STATE_QUEUED:
            state = (await call(idle.gateway.GetChallenge, request)).challenge.deliveries[0].state
    assert state == pb.DELIVERY_STATE_EXPIRED
    assert not [mail for mail in world.inbox.mails if SECOND in mail.recipients]


async def test_a_code_that_went_to_none_of_the_contacts_named_counts_for_nothing_and_costs_no_guess(
    world: World,
) -> None:
    challenge = await sent(world, SECOND)
    code = await code_to(world, SECOND, challenge)
    for named in (contacts(), contacts(OWNER, PHONE)):
        request = world.verification(challenge, code, contacts=named)
        answer = await call(world.gateway.VerifyChallenge, request)
        assert (answer.result, answer.challenge.attempts_left) == (EXPIRED, 5)
    request.contacts.destinations.append(SECOND)
    assert (await call(world.gateway.VerifyChallenge, request)).result == EXPIRED, "the same request, the same answer"
    assert (await world.verify(challenge, code, contacts=contacts(SECOND.upper(), OWNER))).result == ACCEPTED


async def test_a_code_that_was_redeemed_is_answered_the_same_though_its_contact_is_gone(world: World) -> None:
    challenge = await sent(world, SECOND)
    request = world.verification(challenge, await code_to(world, SECOND, challenge), contacts=contacts(SECOND))
    assert (await call(world.gateway.VerifyChallenge, request)).result == ACCEPTED
    assert await end(world, OWNER) == 0
    request.contacts.CopyFrom(contacts(OWNER))
    assert (await call(world.gateway.VerifyChallenge, request)).result == ACCEPTED


async def test_a_code_entered_while_it_is_ended_is_accepted_or_ended_and_never_after_the_end(world: World) -> None:
    for number in range(5):
        challenge = await sent(world, SECOND, requester=requester(f"tv-{number}"))
        code = await code_to(world, SECOND, challenge)
        entered, ended = await asyncio.gather(
            world.verify(challenge, code, contacts=contacts(SECOND)), end(world, OWNER)
        )
        assert (entered.result, ended) in ((ACCEPTED, 0), (EXPIRED, 1))
        later = await world.verify(challenge, code, contacts=contacts(SECOND))
        assert later.result != ACCEPTED


async def test_the_gateway_alone_ends_challenges_and_names_the_contacts(world: World) -> None:
    for stub in (world.replica.operator, world.replica.stranger):
        with pytest.raises(ServiceError) as caught:
            await call(stub.EndChallenges, ending(world))
        assert caught.value.reason is ErrorReason.CALLER_NOT_ALLOWED
    for request, field in (
        (pb.EndChallengesRequest(account_id=str(world.account)), "contacts"),
        (ending(world, account_id="nobody"), "account_id"),
        (ending(world, "x" * 255), "contacts.destinations[0]"),
    ):
        with pytest.raises(ServiceError) as caught:
            await call(world.gateway.EndChallenges, request)
        assert [each.field for each in caught.value.fields] == [field]

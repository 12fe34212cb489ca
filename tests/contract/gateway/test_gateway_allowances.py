"""What a code or a deferral buys is bounded: by time, by device, by network and by account."""

from __future__ import annotations

from datetime import timedelta

import grpc

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    THIRD_PLACE,
    Household,
    World,
    failure,
)

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE
LATER, OWN_ACCOUNT = decision_pb.REMEDY_CODE_VERIFY_LATER, decision_pb.REMEDY_CODE_CREATE_OWN_ACCOUNT
EXTRA_MEMBER = decision_pb.REMEDY_CODE_BECOME_EXTRA_MEMBER
ASKS = "asks to watch"
FORTNIGHT, WEEK = timedelta(days=14), timedelta(days=7)


async def test_the_code_from_the_mail_lets_a_device_in_for_a_fortnight_with_one_stream(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    end = world.clock.now() + FORTNIGHT
    answer = await _let_in_by_email(home, friend)
    assert (answer.result, answer.standing) == (pb.CODE_RESULT_ACCEPTED, standing_pb2.STANDING_GUEST)
    assert answer.standing_expire_time.seconds == int(end.timestamp())
    assert answer.allowances.guest_leases_left == 1
    first = await friend.play("film")
    assert first.outcome == decision_pb.OUTCOME_ALLOWED_UNTIL
    assert first.reasons[0].code == decision_pb.REASON_CODE_GUEST
    assert first.allowed_until_time.seconds == int(end.timestamp())
    await friend.play("another-film")
    assert (await failure(friend.renew(first.stream))).reason == "NOT_FOUND"


async def test_verify_later_lasts_to_the_second_of_its_deadline(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    deadline = await friend.verify_later()
    assert deadline == world.clock.now() + WEEK
    world.clock.advance(WEEK - timedelta(seconds=1))
    await friend.sign_in(home.owner)
    answer = await friend.play("film")
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED_UNTIL
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEFERRED
    assert answer.allowed_until_time == answer.stream.lease_expire_time
    assert answer.stream.lease_expire_time.seconds == int(deadline.timestamp())
    world.clock.advance(timedelta(seconds=1))
    for answer_now in (await friend.renew(answer.stream), await friend.play("film")):
        assert answer_now.outcome == decision_pb.OUTCOME_DENIED
        assert answer_now.reasons[0].code == decision_pb.REASON_CODE_DEADLINE_PASSED
        assert answer_now.remedies[0].code == OWN_ACCOUNT
        assert LATER not in [each.code for each in answer_now.remedies]


async def test_a_device_gets_one_deadline_and_its_network_no_second_one(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    deadline = await friend.verify_later()
    world.clock.advance(timedelta(hours=1))
    assert await friend.verify_later() == deadline
    assert (await friend.play("film")).allowances.deferrals_left == 0
    neighbour = await home.signed_in("Next TV", ELSEWHERE)
    assert LATER not in [each.code for each in (await neighbour.play("film")).remedies]
    refused = await failure(neighbour.verify_later())
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ALLOWANCE_EXHAUSTED")
    world.clock.advance(WEEK)
    await friend.sign_in(home.owner)
    assert (await failure(friend.verify_later())).reason == "STATE_CONFLICT"


async def test_a_device_that_put_verifying_off_is_a_guest_as_soon_as_it_does(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    await friend.verify_later()
    world.clock.advance(timedelta(hours=1))
    answer = await _let_in_by_email(home, friend)
    assert (answer.result, answer.standing) == (pb.CODE_RESULT_ACCEPTED, standing_pb2.STANDING_GUEST)
    assert answer.standing_expire_time.seconds == int((world.clock.now() + FORTNIGHT).timestamp())
    assert answer.allowances.guest_leases_left == 1


async def test_without_a_guest_lease_a_device_that_put_verifying_off_is_sent_no_code(home: Household) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    await friend.verify_later()
    for name in ("First TV", "Second TV"):
        await _let_in_by_email(home, await home.signed_in(name, ELSEWHERE))
    assert (await failure(friend.request_verification(EMAIL))).reason == "ALLOWANCE_EXHAUSTED"


async def test_a_guest_is_asked_again_after_a_fortnight(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    await _let_in_by_email(home, friend)
    world.clock.advance(FORTNIGHT - timedelta(seconds=1))
    await friend.sign_in(home.owner)
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL
    world.clock.advance(timedelta(seconds=1))
    answer = await friend.play("film")
    assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEVICE_UNCONFIRMED


async def test_used_up_guest_leases_close_every_code_but_not_the_own_account(home: Household) -> None:
    for name in ("First TV", "Second TV"):
        await _let_in_by_email(home, await home.signed_in(name, ELSEWHERE))
    third = await home.signed_in("Third TV", ELSEWHERE)
    answer = await third.play("film")
    assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert [each.code for each in answer.remedies] == [LATER, OWN_ACCOUNT, EXTRA_MEMBER]
    assert (answer.allowances.guest_leases_left, len(answer.verification.options)) == (0, 0)
    for channel in (EMAIL, TEXT, TRUSTED_DEVICE):
        refused = await failure(third.request_verification(channel))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ALLOWANCE_EXHAUSTED")
    elsewhere = await home.signed_in("TV on another network", THIRD_PLACE)
    assert (await elsewhere.play("film")).allowances.guest_leases_left == 1


async def _let_in_by_email(home: Household, device: Device) -> pb.SubmitCodeResponse:
    asked = await device.request_verification(EMAIL)
    return await device.submit_code(asked.verification_id, await home.world.code(home.owner.email, ASKS))

"""VerificationService: what a device that was asked can do, and what that buys."""

from __future__ import annotations

from datetime import UTC, timedelta

import grpc
import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    PHONE,
    Household,
    World,
    failure,
    once,
    wrong,
)

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE
LATER, OWN_ACCOUNT = decision_pb.REMEDY_CODE_VERIFY_LATER, decision_pb.REMEDY_CODE_CREATE_OWN_ACCOUNT
EXTRA_MEMBER = decision_pb.REMEDY_CODE_BECOME_EXTRA_MEMBER
BY_CODE = [
    decision_pb.REMEDY_CODE_VERIFY_BY_EMAIL,
    decision_pb.REMEDY_CODE_VERIFY_BY_TEXT,
    decision_pb.REMEDY_CODE_VERIFY_BY_TRUSTED_DEVICE,
]
ASKS = "asks to watch"


async def test_an_unconfirmed_device_is_asked_and_offered_every_way(home: Household) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    answer = await friend.play("film")
    assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEVICE_UNCONFIRMED
    assert [each.code for each in answer.remedies] == [*BY_CODE, LATER, OWN_ACCOUNT, EXTRA_MEMBER]
    assert (answer.grant, answer.HasField("stream")) == ("", False)
    masks = {each.channel: each.masked_destination for each in answer.verification.options}
    assert list(masks) == [EMAIL, TEXT, TRUSTED_DEVICE]
    assert "*" in masks[EMAIL] or "•" in masks[EMAIL]
    assert home.owner.email not in masks.values()
    assert home.owner.phone not in masks.values()
    assert (answer.verification.can_defer, masks[TRUSTED_DEVICE]) == (True, "")
    assert (answer.allowances.deferrals_left, answer.allowances.guest_leases_left) == (1, 2)


async def test_an_owner_without_a_phone_is_not_offered_a_text(world: World) -> None:
    home = await world.household(phone="")
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    answer = await friend.play("film")
    assert [each.channel for each in answer.verification.options] == [EMAIL, TRUSTED_DEVICE]
    assert decision_pb.REMEDY_CODE_VERIFY_BY_TEXT not in [each.code for each in answer.remedies]
    refused = await failure(friend.request_verification(TEXT))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHANNEL_UNAVAILABLE")


async def test_the_code_from_a_text_lets_a_device_in(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    verification = await friend.request_verification(TEXT)
    assert verification.masked_destination.endswith(PHONE[-2:])
    assert PHONE not in verification.masked_destination
    answer = await friend.submit_code(verification.verification_id, await world.text_code(PHONE))
    assert answer.result == pb.CODE_RESULT_ACCEPTED
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL


async def test_a_household_device_says_yes_and_the_waiting_television_starts(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TRUSTED_DEVICE)
    watching = friend.watch_verification(asked.verification_id)
    assert (await anext(watching)).verification.state == pb.VERIFICATION_STATE_PENDING
    (pending,) = await home.tv.pending_verifications()
    assert pending.match_number == asked.match_number != ""
    assert (pending.device.name, pending.country_code, pending.suspected_theft) == ("Friend's TV", "DE", False)
    assert pending.create_time.ToDatetime(UTC) == world.clock.now()
    request = pb.ApproveDeviceRequest(**once(home.tv), verification_id=asked.verification_id)
    approved = await world.verification.ApproveDevice(request)
    assert approved.verification.state == pb.VERIFICATION_STATE_VERIFIED
    assert [each.verification.state async for each in watching] == [pb.VERIFICATION_STATE_VERIFIED]
    assert (await friend.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL
    assert await home.tv.pending_verifications() == []


async def test_a_yes_that_is_repeated_gets_the_same_answer_and_costs_one_lease(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TRUSTED_DEVICE)
    request = pb.ApproveDeviceRequest(**once(home.tv), verification_id=asked.verification_id)
    first = await world.verification.ApproveDevice(request)
    world.clock.advance(timedelta(seconds=5))
    assert await world.verification.ApproveDevice(request) == first
    assert (await friend.play("film")).allowances.guest_leases_left == 1


async def test_it_was_not_me_shuts_a_device_out_at_once_and_tells_the_owner(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    await friend.verify_later()
    stream = (await friend.play("film")).stream
    phone = await home.signed_in("Somebody's phone", ELSEWHERE)
    asked = await phone.request_verification(TRUSTED_DEVICE)
    rejected = await home.tv.it_was_not_me(asked.verification_id)
    assert rejected.verification.state == pb.VERIFICATION_STATE_REJECTED
    assert (rejected.ended_session_count, rejected.ended_stream_count) == (1, 0)
    assert (await friend.renew(stream)).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL, "another device's"
    answer = await phone.play("film")
    assert answer.outcome == decision_pb.OUTCOME_DENIED
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEVICE_REVOKED
    again = await phone.sign_in(home.owner)
    assert (again.outcome, again.HasField("credentials")) == (decision_pb.OUTCOME_DENIED, False)
    assert again.reasons[0].code == decision_pb.REASON_CODE_DEVICE_REVOKED
    assert "Somebody's phone" in await world.mail(home.owner.email, "A device was shut out")


async def test_it_was_not_me_ends_what_runs_on_the_device_by_then(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TRUSTED_DEVICE)
    await friend.verify_later()
    stream = (await friend.play("film")).stream
    request = pb.RejectDeviceRequest(**once(home.tv), verification_id=asked.verification_id)
    rejected = await world.verification.RejectDevice(request)
    assert (rejected.ended_session_count, rejected.ended_stream_count) == (1, 1)
    assert (await friend.renew(stream)).outcome == decision_pb.OUTCOME_DENIED
    world.clock.advance(timedelta(seconds=5))
    repeated = await world.verification.RejectDevice(request)
    assert repeated.verification.state == pb.VERIFICATION_STATE_REJECTED


async def test_a_code_works_on_the_device_that_asked_only(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    other = await home.signed_in("Other TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    code = await world.code(home.owner.email, ASKS)
    assert (await other.submit_code(asked.verification_id, code)).result == pb.CODE_RESULT_UNKNOWN
    assert (await failure(anext(other.watch_verification(asked.verification_id)))).reason == "NOT_FOUND"
    assert (await friend.submit_code(asked.verification_id, code)).result == pb.CODE_RESULT_ACCEPTED


async def test_another_accounts_verification_is_unknown(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    verification_id = (await friend.request_verification(TRUSTED_DEVICE)).verification_id
    decisions = {
        "approve": world.verification.ApproveDevice(
            pb.ApproveDeviceRequest(**once(other.tv), verification_id=verification_id)
        ),
        "reject": other.tv.it_was_not_me(verification_id),
        "watch": anext(other.tv.watch_verification(verification_id)),
    }
    refused = {name: (await failure(answer)).reason for name, answer in decisions.items()}
    assert refused == dict.fromkeys(decisions, "NOT_FOUND")
    assert (await other.tv.submit_code(verification_id, "123456")).result == pb.CODE_RESULT_UNKNOWN
    assert (await home.tv.pending_verifications())[0].state == pb.VERIFICATION_STATE_PENDING


async def test_five_wrong_codes_are_counted_down_and_then_the_right_one_is_too_late(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    code = await world.code(home.owner.email, ASKS)
    answers = [await friend.submit_code(asked.verification_id, wrong(code)) for _ in range(5)]
    assert [each.attempts_left for each in answers] == [4, 3, 2, 1, 0]
    assert {each.result for each in answers[:4]} == {pb.CODE_RESULT_WRONG_CODE}
    late = await friend.submit_code(asked.verification_id, code)
    assert (late.result, late.standing) == (
        pb.CODE_RESULT_ATTEMPTS_EXHAUSTED,
        standing_pb2.STANDING_UNCONFIRMED,
    )


async def test_a_code_that_is_handed_in_again_gets_the_same_answer_and_costs_nothing(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    code = await world.code(home.owner.email, ASKS)
    for entered, attempts_left in ((wrong(code), 4), (code, 3)):
        request = pb.SubmitCodeRequest(**once(friend), verification_id=asked.verification_id, code=entered)
        first = await world.verification.SubmitCode(request)
        assert first.attempts_left == attempts_left
        world.clock.advance(timedelta(seconds=5))
        assert await world.verification.SubmitCode(request) == first
    assert (await friend.play("film")).allowances.guest_leases_left == 1
    reused = await friend.submit_code(asked.verification_id, code)
    assert reused.result == pb.CODE_RESULT_ALREADY_USED


async def test_a_code_is_worth_nothing_after_ten_minutes(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    code = await world.code(home.owner.email, ASKS)
    world.clock.advance(timedelta(minutes=10))
    assert (await friend.submit_code(asked.verification_id, code)).result == pb.CODE_RESULT_EXPIRED


async def test_the_household_has_nothing_to_verify(home: Household) -> None:
    for channel in (EMAIL, TRUSTED_DEVICE):
        assert (await failure(home.tv.request_verification(channel))).reason == "STATE_CONFLICT"


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_device_cannot_decide_about_itself(home: Household, world: World, decision: str) -> None:
    """A question asked elsewhere is still open when its device comes home, and is then nobody else's to answer."""
    tablet = await home.signed_in("Tablet", ELSEWHERE)
    question = (await tablet.request_verification(TRUSTED_DEVICE)).verification_id
    tablet.ip_address = home.tv.ip_address
    assert (await tablet.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    assert await tablet.pending_verifications() == []
    approve = pb.ApproveDeviceRequest(**once(tablet), verification_id=question)
    approving = decision == "approve"
    refused = await failure(world.verification.ApproveDevice(approve) if approving else tablet.it_was_not_me(question))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("verification_id",))
    assert (await tablet.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_the_same_request_id_asks_once(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    request = pb.RequestVerificationRequest(**once(friend), channel=EMAIL)
    first = await world.verification.RequestVerification(request)
    assert await world.verification.RequestVerification(request) == first
    await world.code(home.owner.email, ASKS)
    assert len([mail for mail in world.inbox.mails if ASKS in mail.subject]) == 1
    again = await friend.request_verification(EMAIL)
    assert again.verification_id != first.verification.verification_id
    states = [each.verification.state async for each in friend.watch_verification(first.verification.verification_id)]
    assert states == [pb.VERIFICATION_STATE_SUPERSEDED]


async def test_a_text_that_is_never_reported_as_received_has_the_other_channel_offered(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TEXT)
    await world.text_code(PHONE)
    assert not asked.other_channel_advised
    watching = friend.watch_verification(asked.verification_id)

    async def advised() -> bool:
        world.clock.advance(timedelta(seconds=61))
        return (await anext(watching)).verification.other_channel_advised

    await world.eventually(advised)
    by_email = await friend.request_verification(EMAIL)
    assert by_email.channel == EMAIL

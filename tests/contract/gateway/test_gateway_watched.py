"""A device of unknown standing is watched for some days before it is asked: it plays, and learns until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from libs.devstack.device import Device
from services.device_trust.domain.policy import Policy
from tests.contract.gateway.gateway_parts import ASKED_AT_ONCE
from tests.contract.gateway.gateway_world import ELSEWHERE, PHONE, Household, World, once

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE
DAY = timedelta(days=1)


@pytest.fixture
def device_trust_policy() -> Policy:
    """Three days, whatever the score."""
    return replace(ASKED_AT_ONCE, tolerated_days=3, tolerated_days_account=12, outsider_threshold=1.0)


async def test_a_watched_device_starts_and_renews_and_is_told_until_when(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    answer = await friend.play("film")
    _expect_watched(answer.outcome, answer.reasons[0].code)
    assert "by the date shown" in answer.reasons[0].text
    assert _at(answer.allowed_until_time) == world.clock.now() + 3 * DAY
    assert (answer.grant != "", answer.HasField("verification"), list(answer.remedies)) == (True, False, [])
    renewed = await friend.renew(answer.stream)
    _expect_watched(renewed.outcome, renewed.reasons[0].code)


async def test_a_watched_device_is_asked_once_its_days_are_used(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    for day in range(3):
        answer = await friend.play("film")
        _expect_watched(answer.outcome, answer.reasons[0].code)
        assert _at(answer.allowed_until_time) == world.clock.now() + (3 - day) * DAY
        world.clock.advance(DAY)
        await friend.sign_in(home.owner)
    asked = await friend.play("film")
    assert asked.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert asked.reasons[0].code == decision_pb.REASON_CODE_DEVICE_UNCONFIRMED
    assert decision_pb.REMEDY_CODE_VERIFY_LATER in [each.code for each in asked.remedies]


@pytest.mark.parametrize("channel", [EMAIL, TEXT])
async def test_a_code_that_a_watched_device_enters_early_costs_nothing(
    home: Household, world: World, channel: standing_pb2.Channel.ValueType
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(channel)
    code = await world.code(home.owner.email, "asks to watch") if channel == EMAIL else await world.text_code(PHONE)
    answer = await friend.submit_code(asked.verification_id, code)
    assert (answer.result, answer.standing) == (pb.CODE_RESULT_ACCEPTED, standing_pb2.STANDING_UNCONFIRMED)
    assert _at(answer.standing_expire_time) == world.clock.now() + 3 * DAY
    await _plays_and_paid_nothing(friend)


async def test_a_household_device_may_say_yes_to_a_watched_one(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(TRUSTED_DEVICE)
    request = pb.ApproveDeviceRequest(**once(home.tv), verification_id=asked.verification_id)
    approved = await world.verification.ApproveDevice(request)
    assert approved.verification.state == pb.VERIFICATION_STATE_VERIFIED
    await _plays_and_paid_nothing(friend)


async def test_verify_later_costs_a_watched_device_nothing(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    assert await friend.verify_later() == world.clock.now() + 3 * DAY
    await _plays_and_paid_nothing(friend)


async def _plays_and_paid_nothing(friend: Device) -> None:
    answer = await friend.play("film")
    _expect_watched(answer.outcome, answer.reasons[0].code)
    assert (answer.allowances.guest_leases_left, answer.allowances.deferrals_left) == (2, 1)


def _expect_watched(outcome: decision_pb.Outcome.ValueType, reason: decision_pb.ReasonCode.ValueType) -> None:
    assert (outcome, reason) == (decision_pb.OUTCOME_ALLOWED_UNTIL, decision_pb.REASON_CODE_DEFERRED)


def _at(moment: Timestamp) -> datetime:
    return moment.ToDatetime(tzinfo=UTC)

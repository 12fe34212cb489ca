"""Somebody who has the password and tries everything: what it costs the owner, which is nothing at home."""

from __future__ import annotations

import grpc

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, once

EMAIL = standing_pb2.CHANNEL_EMAIL
TRUSTED_DEVICE = standing_pb2.CHANNEL_TRUSTED_DEVICE


async def guess_until_nothing_is_compared(thief: Device) -> int:
    """Ask for codes and guess; how many guesses were compared."""
    compared = 0
    for _ in range(10):
        asked = await thief.request_verification(EMAIL)
        for _ in range(5):
            answer = await thief.submit_code(asked.verification_id, "000000")
            if answer.result == pb.CODE_RESULT_ATTEMPTS_EXHAUSTED:
                return compared
            compared += 1
    raise AssertionError("guesses were compared without end")


async def ask_until_refused(thief: Device) -> None:
    """Put questions to the devices at home until no more are taken."""
    for _ in range(20):
        try:
            await thief.request_verification(TRUSTED_DEVICE)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017 - the loop ends with it
            return
    raise AssertionError("questions were taken without end")


async def test_when_guesses_and_questions_are_used_up_a_home_device_plays_and_shuts_the_thief_out(
    home: Household, world: World
) -> None:
    thief = await home.signed_in("Thief's TV", ELSEWHERE)
    assert await guess_until_nothing_is_compared(thief) == 20
    await ask_until_refused(thief)

    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    pending = await home.tv.pending_verifications()
    request = pb.RejectDeviceRequest(**once(home.tv), verification_id=pending[0].verification_id)
    await world.verification.RejectDevice(request)
    assert (await thief.play("film")).outcome == decision_pb.OUTCOME_DENIED
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_code_asked_for_in_one_session_does_not_work_in_a_later_one_of_the_same_device(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    code = await world.code(home.owner.email, "asks to watch")
    again = await home.signed_in("Friend's TV", ELSEWHERE, device_id=friend.device_id)
    answer = await again.submit_code(asked.verification_id, code)
    assert answer.result == pb.CODE_RESULT_UNKNOWN
    anew = await again.request_verification(EMAIL)
    code = await world.code(home.owner.email, "asks to watch")
    assert (await again.submit_code(anew.verification_id, code)).result == pb.CODE_RESULT_ACCEPTED

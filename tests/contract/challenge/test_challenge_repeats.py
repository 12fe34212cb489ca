"""A repeat may come later, over another network and from another country; then it is the same request all the same."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge import conversions
from tests.contract.challenge.challenge_world import OWNER, World, wrong
from tests.contract.challenge.test_challenge_notices import notice

HERE, THERE = "203.0.113.7", "198.51.100.9"


async def _requests(world: World) -> dict[str, Any]:
    """One request of each RPC that remembers its ids, from here."""
    challenge = await world.create()
    code = await world.code_of(challenge)
    resend = pb.ResendChallengeRequest(
        request_id=str(world.account), account_id=str(world.account), challenge_id=challenge.challenge_id
    )
    resend.destination, resend.ip_address = OWNER, HERE
    return {
        "CreateChallenge": world.creation(ip_address=HERE, purpose=pb.CHALLENGE_PURPOSE_CONFIRM_OWNER),
        "ResendChallenge": resend,
        "VerifyChallenge": world.verification(challenge, wrong(code), ip_address=HERE),
        "Notify": notice(world, ip_address=HERE),
    }


def _come_again(request: Any) -> None:
    request.ip_address = THERE
    if "requester" in request.DESCRIPTOR.fields_by_name:
        request.requester.country_code = "AT"
    if "event_time" in request.DESCRIPTOR.fields_by_name:
        request.event_time.CopyFrom(Timestamp(seconds=request.event_time.seconds + 3))


async def test_a_repeat_from_elsewhere_is_answered_the_same_and_does_nothing(world: World) -> None:
    for rpc, request in (await _requests(world)).items():
        first = await call(getattr(world.gateway, rpc), request)
        _come_again(request)
        again = await call(getattr(world.gateway, rpc), request)
        if rpc == "Notify":
            assert again.delivery.delivery_id == first.delivery.delivery_id
            continue
        assert again.challenge.challenge_id == first.challenge.challenge_id, rpc
        assert again.challenge.attempts_left == first.challenge.attempts_left, rpc
        assert len(again.challenge.deliveries) == len(first.challenge.deliveries), rpc


async def test_with_all_of_a_request_in_its_digest_each_would_be_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(conversions, "body_of", lambda request: request.SerializeToString(deterministic=True))
    for rpc, request in (await _requests(world)).items():
        await call(getattr(world.gateway, rpc), request)
        _come_again(request)
        with pytest.raises(ServiceError) as caught:
            await call(getattr(world.gateway, rpc), request)
        assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED, rpc


async def test_what_is_asked_of_a_repeat_still_makes_it_another_request(world: World) -> None:
    changes: dict[str, dict[str, Any]] = {
        "CreateChallenge": {"destination": "somebody@mailbox.example"},
        "ResendChallenge": {"destination": "somebody@mailbox.example"},
        "VerifyChallenge": {"code": "12345678"},
        "Notify": {"destination": "somebody@mailbox.example"},
    }
    for rpc, request in (await _requests(world)).items():
        await call(getattr(world.gateway, rpc), request)
        for field, value in changes[rpc].items():
            setattr(request, field, value)
        with pytest.raises(ServiceError) as caught:
            await call(getattr(world.gateway, rpc), request)
        assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED, rpc

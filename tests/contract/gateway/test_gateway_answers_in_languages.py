"""Reasons and remedies are told in the client's language, by each RPC that tells them, or else in English."""

from __future__ import annotations

import pytest

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from tests.contract.gateway.gateway_world import Household, World, asked_by, once

AT_HOME = {
    "de-AT": "Dieses Gerät gehört zum Haushalt.",
    "ja": "このデバイスは、ご家庭のデバイスです。",
    "ar": "هذا الجهاز من أجهزة المنزل.",
    "nl": "This device belongs to the household.",
    "": "This device belongs to the household.",
}


@pytest.mark.parametrize("language", AT_HOME)
async def test_a_start_its_renewal_and_a_sign_in_say_why(home: Household, world: World, language: str) -> None:
    request = home.start_request(home.tv)
    request.client.language = language
    started = await world.playback.StartStream(request)
    renewal = playback_pb.RenewStreamRequest(
        **asked_by(home.tv), stream_id=started.stream.stream_id, fencing_token=started.stream.fencing_token
    )
    renewal.client.language = language
    sign_in = account_pb.SignInRequest(
        request_id=once(home.tv)["request_id"],
        client=request.client,
        email=home.owner.email,
        password=home.owner.password,
    )
    answers = (started, await world.playback.RenewStream(renewal), await world.accounts.SignIn(sign_in))
    assert [each.text for answer in answers for each in answer.reasons] == [AT_HOME[language]] * 3


async def test_a_repeat_is_told_the_same_in_the_language_of_the_first(home: Household, world: World) -> None:
    for number in range(4):
        await home.tv.play(f"film-{number}")
    request = home.start_request(home.tv)
    request.client.language = "es"
    refused = await world.playback.StartStream(request)
    assert refused.reasons[0].code == decision_pb.REASON_CODE_TOO_MANY_STREAMS
    assert [each.text for each in refused.remedies] == ["Detener otra reproducción"]
    assert (await world.playback.StartStream(request)).remedies == refused.remedies

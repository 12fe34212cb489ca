"""Plans: the picture that is paid for, and what becomes of streams when a plan is made smaller."""

from __future__ import annotations

from typing import Any

import jwt

from hearthgate.common.v1 import video_quality_pb2 as quality_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from tests.contract.gateway.gateway_world import Household, asked_by

DENIED = decision_pb.OUTCOME_DENIED


async def test_the_grant_says_the_best_picture_of_the_plan(home: Household) -> None:
    for plan_id, quality, number in (
        ("premium", "UHD", quality_pb.VIDEO_QUALITY_UHD),
        ("standard", "FULL_HD", quality_pb.VIDEO_QUALITY_FULL_HD),
        ("basic", "HD", quality_pb.VIDEO_QUALITY_HD),
    ):
        await home.set_plan(plan_id)
        played = await home.tv.play("film")
        claims = jwt.decode(played.grant, options={"verify_signature": False})
        assert (claims["quality"], played.stream.max_quality) == (quality, number)
        renewed = await home.tv.renew(played.stream)
        assert renewed.stream.max_quality == number
        stop = {"stop_stream_ids": [played.stream.stream_id]}
        await home.world.playback.StartStream(home.start_request(home.tv, **stop))
        for stream in (await _streams(home)).streams:
            await _stop(home, stream.stream_id)


async def test_no_more_streams_than_a_smaller_plan_has_begin_and_the_newest_end_at_their_renewal(
    home: Household,
) -> None:
    started = [(await home.tv.play(f"film-{number}")).stream for number in range(4)]
    await _stop(home, started[0].stream_id)
    await home.set_plan("standard")
    refused = await home.tv.play("film-5")
    assert refused.reasons[0].code == decision_pb.REASON_CODE_TOO_MANY_STREAMS, "three run, the plan has two"
    renewed = [await home.tv.renew(stream) for stream in started[1:]]
    assert [each.outcome for each in renewed] == [decision_pb.OUTCOME_ALLOWED] * 2 + [DENIED]
    assert renewed[2].reasons[0].code == decision_pb.REASON_CODE_TOO_MANY_STREAMS
    assert (await home.tv.play("film-6")).outcome == DENIED
    await _stop(home, started[1].stream_id)
    assert (await home.tv.play("film-7")).outcome == decision_pb.OUTCOME_ALLOWED


async def _streams(home: Household) -> Any:
    return await home.world.playback.ListStreams(playback_pb.ListStreamsRequest(**asked_by(home.tv)))


async def _stop(home: Household, stream_id: str) -> None:
    await home.world.playback.StopStream(playback_pb.StopStreamRequest(**asked_by(home.tv), stream_id=stream_id))

"""A flood of sign-ins at the gateway's door: the rest is turned away with a time to come again, and streams start."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from tests.contract.gateway.gateway_world import Household, World


@pytest.fixture
def gateway_settings() -> dict[str, Any]:
    """One sign-in at once."""
    return {"sign_ins_at_once": 1}


async def test_beyond_its_places_a_sign_in_is_turned_away_and_a_stream_starts_all_the_same(
    home: Household, world: World
) -> None:
    async def wrong() -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.device("A bot").sign_in(home.owner, password="not the password of Ada")
        return caught.value

    flood = asyncio.gather(*(wrong() for _ in range(12)))
    started = await home.tv.play("film")
    refusals = await flood
    assert started.outcome == decision_pb.OUTCOME_ALLOWED
    turned_away = [each for each in refusals if each.code() is grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert turned_away
    assert {each.code() for each in refusals if each not in turned_away} == {grpc.StatusCode.UNAUTHENTICATED}
    status = rpc_status.from_call(turned_away[0])
    assert status is not None
    assert any(detail.Is(RetryInfo.DESCRIPTOR) for detail in status.details)
    # There is room again.
    assert (await home.signed_in("Another TV")).session_token

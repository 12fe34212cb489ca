"""A leaf that is away: an answer that says so and nothing more, and all is well again once it is back."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
import structlog

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from tests.contract.gateway.gateway_world import ABROAD, ELSEWHERE, Household, World, failure, laptop_fields

UNREACHABLE = "A service behind this one cannot be reached; try again."


@pytest.mark.parametrize("leaf", ["identity", "device_trust"])
async def test_a_start_without_a_leaf_that_decides_is_refused_without_details_until_it_is_back(
    home: Household, world: World, leaf: str
) -> None:
    request = home.start_request(home.tv)
    await world.stop(leaf)
    refused = await failure(world.playback.StartStream(request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert refused.text == UNREACHABLE
    await world.start(leaf)
    answer = await world.back(lambda: world.playback.StartStream(request))
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED


async def test_without_challenge_and_planning_the_household_plays(home: Household, world: World) -> None:
    await world.stop("challenge")
    await world.stop("download_planning")
    answer = await home.tv.play("film")
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED
    assert (await home.tv.renew(answer.stream)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_without_challenge_a_sign_in_succeeds_and_the_missing_notice_is_logged(
    home: Household, world: World
) -> None:
    await world.stop("challenge")
    phone = world.device("Ada's phone", ELSEWHERE, profile_id=home.profile_id)
    with structlog.testing.capture_logs() as log:
        answer = await phone.sign_in(home.owner)

        async def logged() -> list[MutableMapping[str, Any]]:
            await asyncio.sleep(0)
            return [each for each in log if each["event"] == "notice not sent"]

        missing = (await world.eventually(logged))[0]
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED
    assert (missing["log_level"], missing["kind"]) == ("warning", "NEW_SIGN_IN")
    assert missing["reason"] == "DEPENDENCY_UNAVAILABLE"


async def test_without_challenge_a_thief_is_stopped_all_the_same(home: Household, world: World) -> None:
    await world.stop("challenge")
    thief = world.device("Unknown laptop", ABROAD, "BR", profile_id=home.profile_id, **laptop_fields())
    answer = await thief.sign_in(home.owner)
    assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert answer.verification.verification_id == ""
    assert (await thief.play("film")).outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED


async def test_without_challenge_a_reset_is_refused_alike_for_known_and_unknown_addresses(
    home: Household, world: World
) -> None:
    await world.stop("challenge")
    phone = world.device("Phone", ELSEWHERE)
    addresses = (home.owner.email, "nobody@example.com")
    refusals = {await failure(phone.start_password_reset(address)) for address in addresses}
    assert {each.reason for each in refusals} == {"DEPENDENCY_UNAVAILABLE"}
    assert len(refusals) == 1


async def test_the_notice_of_a_repeated_request_does_not_count_as_lost(home: Household, world: World) -> None:
    thief = world.device("Unknown laptop", ABROAD, "BR", **laptop_fields())
    request = account_pb.SignInRequest(
        request_id=str(uuid4()), email=home.owner.email, password=home.owner.password, client=thief.context()
    )
    with structlog.testing.capture_logs() as log:
        for _ in range(2):
            await world.accounts.SignIn(request)
            world.clock.advance(timedelta(seconds=5))
    assert "notice not sent" not in [each["event"] for each in log]

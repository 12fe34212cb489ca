"""PlaybackService: who may start, what the answer says, and that it is the same when asked again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import grpc
import jwt

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as pb
from hearthgate.gateway.v1 import playback_service_pb2_grpc as rpc
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, failure

MALFORMED = {
    "request_id": "not-a-uuid",
    "session_token": "",
    "profile_id": "7",
    "title_id": "a title with spaces",
    "stop_stream_ids": ["x"],
}


async def test_the_household_plays_and_anyone_with_the_keys_can_verify_the_grant(home: Household) -> None:
    answer = await home.tv.play("film")
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED
    keys = jwt.PyJWKSet.from_json(await home.tv.grant_keys())
    key = keys[jwt.get_unverified_header(answer.grant)["kid"]]
    claims = jwt.decode(answer.grant, key, algorithms=["EdDSA"], options={"verify_iat": False})
    assert (claims["sid"], claims["title"], claims["device"]) == (answer.stream.stream_id, "film", home.tv.device_id)
    assert claims["exp"] == answer.stream.lease_expire_time.seconds


async def test_the_same_request_id_gives_the_same_answer_byte_for_byte(home: Household, world: World) -> None:
    request = home.start_request(home.tv)
    first = await world.playback.StartStream(request)
    world.clock.advance(timedelta(seconds=5))
    again = await world.playback.StartStream(request)
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert len((await _streams(home)).streams) == 1


async def test_the_same_request_id_sixteen_times_at_once_starts_one_stream(home: Household, world: World) -> None:
    request = home.start_request(home.tv)
    answers = await asyncio.gather(*(world.playback.StartStream(request) for _ in range(16)))
    assert len({answer.decision_id for answer in answers}) == 1
    assert len((await _streams(home)).streams) == 1


async def test_a_used_request_id_with_another_body_is_refused_by_name(home: Household, world: World) -> None:
    request = home.start_request(home.tv)
    await world.playback.StartStream(request)
    request.title_id = "another-film"
    refused = await failure(world.playback.StartStream(request))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert refused.fields == ("request_id",)


async def test_a_retry_over_another_network_is_the_same_request(home: Household, world: World) -> None:
    request = home.start_request(home.tv)
    first = await world.playback.StartStream(request)
    request.client.ip_address = ELSEWHERE
    assert (await world.playback.StartStream(request)).decision_id == first.decision_id


async def test_sixteen_starts_at_once_never_pass_the_plan(home: Household, world: World) -> None:
    requests = [home.start_request(home.tv) for _ in range(16)]
    answers = await asyncio.gather(*(world.playback.StartStream(request) for request in requests))
    allowed = [answer for answer in answers if answer.outcome == decision_pb.OUTCOME_ALLOWED]
    assert len(allowed) == 4
    assert len({answer.stream.stream_id for answer in allowed}) == 4


async def test_a_full_plan_names_the_streams_in_the_way_and_one_can_make_room(home: Household, world: World) -> None:
    started = [await home.tv.play(f"film-{number}") for number in range(4)]
    refused = await home.tv.play("film-5")
    assert refused.outcome == decision_pb.OUTCOME_DENIED
    assert refused.reasons[0].code == decision_pb.REASON_CODE_TOO_MANY_STREAMS
    assert [each.title_id for each in refused.streams_in_the_way] == ["film-0", "film-1", "film-2", "film-3"]
    assert {each.device_name for each in refused.streams_in_the_way} == {"Living-room TV"}
    request = home.start_request(home.tv, stop_stream_ids=[started[0].stream.stream_id])
    assert (await world.playback.StartStream(request)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_stream_that_is_not_renewed_frees_its_slot(home: Household, world: World) -> None:
    for number in range(4):
        await home.tv.play(f"film-{number}")
    world.clock.advance(timedelta(seconds=91))
    assert (await home.tv.play("film-5")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_renewed_stream_keeps_its_slot_and_gets_a_fresh_grant(home: Household, world: World) -> None:
    answer = await home.tv.play("film")
    world.clock.advance(timedelta(seconds=60))
    renewed = await home.tv.renew(answer.stream)
    assert renewed.outcome == decision_pb.OUTCOME_ALLOWED
    assert renewed.stream.lease_expire_time.seconds == answer.stream.lease_expire_time.seconds + 60
    assert renewed.grant != answer.grant


async def test_a_stopped_stream_can_neither_be_renewed_nor_stopped_twice(home: Household, world: World) -> None:
    answer = await home.tv.play("film")
    request = pb.StopStreamRequest(
        session_token=home.tv.session_token, stream_id=answer.stream.stream_id, client=home.tv.context()
    )
    assert (await world.playback.StopStream(request)).stopped
    assert not (await world.playback.StopStream(request)).stopped
    assert (await failure(home.tv.renew(answer.stream))).reason == "NOT_FOUND"


async def test_another_accounts_profile_or_stream_is_not_found(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    refused = await failure(world.playback.StartStream(home.start_request(home.tv, profile_id=other.profile_id)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    theirs = await other.tv.play("film")
    assert (await failure(home.tv.renew(theirs.stream))).reason == "NOT_FOUND"


async def test_an_unknown_session_is_unauthenticated(home: Household, world: World) -> None:
    header, body, signature = home.tv.session_token.split(".")
    unsigned, cut = f"{header}.{body}.", f"{header}.{body}"
    for token in ("nonsense", "..", unsigned, cut, f"{header}.{body}.{signature[::-1]}", "x" * 2048):
        refused = await failure(world.playback.StartStream(home.start_request(home.tv, session_token=token)))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_UNKNOWN")


async def test_a_token_on_another_device_is_unauthenticated(home: Household, world: World) -> None:
    request = home.start_request(home.tv, client=world.device("Stolen token").context())
    assert (await failure(world.playback.StartStream(request))).reason == "SESSION_UNKNOWN"


async def test_a_session_that_is_over_is_refused_as_an_answer_and_gets_no_earlier_grant(
    home: Household, world: World
) -> None:
    phone = await home.signed_in("Phone")
    request = home.start_request(phone)
    await world.playback.StartStream(request)
    await home.set_state(identity_pb.ACCOUNT_STATE_CLOSED)
    for again in (request, home.start_request(phone)):
        answer = await world.playback.StartStream(again)
        assert (answer.outcome, answer.grant) == (decision_pb.OUTCOME_DENIED, "")
        assert answer.reasons[0].code == decision_pb.REASON_CODE_ACCOUNT_CLOSED
        assert answer.remedies[0].code == decision_pb.REMEDY_CODE_CONTACT_OWNER


async def test_an_account_on_hold_starts_nothing_until_it_is_in_order(home: Household) -> None:
    await home.set_state(identity_pb.ACCOUNT_STATE_ON_HOLD)
    answer = await home.tv.play("film")
    assert answer.reasons[0].code == decision_pb.REASON_CODE_ACCOUNT_ON_HOLD
    await home.set_state(identity_pb.ACCOUNT_STATE_ACTIVE)
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_decision_explains_every_rule_and_fact_to_operators_alone(home: Household, world: World) -> None:
    answer = await home.tv.play("film")
    request = pb.ExplainDecisionRequest(account_id=home.account_id, decision_id=answer.decision_id)
    refused = await failure(world.playback.ExplainDecision(request))
    assert refused.reason == "CALLER_NOT_ALLOWED"
    told = await rpc.PlaybackServiceStub(world.channels["operator"]).ExplainDecision(request)
    assert [rule.rule for rule in told.rules] == [
        *("session", "account", "theft", "experiment_cell", "standing", "deadline", "streams_at_once", "allow")
    ]
    assert [rule.decided for rule in told.rules] == [False] * 7 + [True]
    assert (told.facts["standing"], told.cell, told.policy_version) == ("HOUSEHOLD", "enforce", "1")
    assert not any(home.tv.ip_address in value for value in told.facts.values())


async def test_an_unknown_decision_is_not_found(home: Household, world: World) -> None:
    request = pb.ExplainDecisionRequest(account_id=home.account_id, decision_id=str(uuid4()))
    refused = await failure(rpc.PlaybackServiceStub(world.channels["operator"]).ExplainDecision(request))
    assert refused.reason == "NOT_FOUND"


async def test_a_caller_that_is_not_allowed_gets_nowhere(home: Household, world: World) -> None:
    stub = rpc.PlaybackServiceStub(world.channels["stranger"])
    refused = await failure(stub.StartStream(home.start_request(home.tv)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


async def test_a_malformed_field_is_named(world: World, home: Household) -> None:
    for field, value in MALFORMED.items():
        refused = await failure(world.playback.StartStream(home.start_request(home.tv, **{field: value})))
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert [each.split("[")[0] for each in refused.fields] == [field]


async def test_missing_fields_unknown_enum_values_and_long_strings_are_named(world: World, home: Household) -> None:
    request = home.start_request(home.tv)
    request.client.device.kind = 99  # type: ignore[assignment]  # an enum value that does not exist
    request.client.device.name = "x" * 81
    request.client.ip_address = "300.1.1.1"
    request.client.country_code = "Germany"
    refused = await failure(world.playback.StartStream(request))
    assert set(refused.fields) == {
        "client.ip_address",
        "client.country_code",
        "client.device.kind",
        "client.device.name",
    }
    empty = await failure(world.playback.StartStream(pb.StartStreamRequest()))
    assert {"request_id", "session_token", "profile_id", "title_id", "client"} <= set(empty.fields)


async def _streams(home: Household) -> pb.ListStreamsResponse:
    request = pb.ListStreamsRequest(session_token=home.tv.session_token, client=home.tv.context())
    return await home.world.playback.ListStreams(request)

"""Sessions as a device lives with them: tokens that others verify, refreshes signed by its key, thieves of tokens."""

from __future__ import annotations

import jwt
import pytest

from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import account_service_pb2_grpc as rpc
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.runtime.keys import SigningKey
from tests.contract.gateway.gateway_parts import TOKEN_LIFE
from tests.contract.gateway.gateway_world import Household, World, asked_by, failure


async def _key_set(world: World, caller: str = "stranger") -> jwt.PyJWKSet:
    stub = rpc.AccountServiceStub(world.channels[caller])
    return jwt.PyJWKSet.from_json((await stub.GetSessionKeys(pb.GetSessionKeysRequest())).jwks_json)


async def test_anyone_verifies_a_session_token_with_the_published_keys(home: Household, world: World) -> None:
    token = home.tv.session_token
    key = (await _key_set(world))[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="hearthgate",
        issuer="hearthgate",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sub"], claims["device"]) == (home.account_id, home.tv.device_id)
    assert home.tv.key is not None
    assert claims["cnf"] == {"jkt": home.tv.key.kid}
    assert home.owner.email not in str(claims)


async def test_a_refreshed_device_plays_on(home: Household, world: World) -> None:
    stream = (await home.tv.play("film")).stream
    old = home.tv.refresh_token
    await home.tv.refresh()
    assert home.tv.refresh_token != old
    assert (await home.tv.renew(stream)).outcome == decision_pb.OUTCOME_ALLOWED
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


@pytest.mark.parametrize("with_key", [True, False], ids=["with a key", "without a key"])
async def test_a_copied_refresh_token_on_another_device_gets_nothing(
    home: Household, world: World, with_key: bool
) -> None:
    home.tv.key = home.tv.key if with_key else None
    if not with_key:
        await home.tv.sign_in(home.owner)
    thief = world.device("Thief", refresh_token=home.tv.refresh_token)
    assert (await failure(thief.refresh())).reason == "SESSION_UNKNOWN"
    await home.tv.refresh()
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_thief_who_also_copies_the_device_id_fails_at_the_key(home: Household, world: World) -> None:
    names = {"device_id": home.tv.device_id, "refresh_token": home.tv.refresh_token}
    for key in (None, SigningKey.generate()):
        thief = world.device("Clone", **names, key=key)
        assert (await failure(thief.refresh())).reason == "SESSION_UNKNOWN"
    await home.tv.refresh()
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_recorded_refresh_is_worth_nothing_a_second_time(home: Household, world: World) -> None:
    recorded = home.tv.refresh_request()
    first = await world.accounts.RefreshSession(recorded)
    assert (await failure(world.accounts.RefreshSession(recorded))).reason == "SESSION_UNKNOWN"
    home.tv.session_token = first.credentials.session_token
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_of_a_keyless_devices_token_used_by_two_neither_goes_on(home: Household, world: World) -> None:
    phone = world.device("Phone", key=None)
    await phone.sign_in(home.owner)
    thief = world.device("Clone", device_id=phone.device_id, refresh_token=phone.refresh_token, key=None)
    await thief.refresh()
    assert (await failure(phone.refresh())).reason == "SESSION_UNKNOWN"
    refused = await world.playback.StartStream(home.start_request(thief, profile_id=home.profile_id))
    assert refused.reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED


async def test_a_session_token_that_ran_out_starts_nothing_and_its_refresh_token_carries_on(
    home: Household, world: World
) -> None:
    world.clock.advance(TOKEN_LIFE)
    assert (await home.tv.play("film")).reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    await home.tv.refresh()
    again = (await home.tv.play("film")).reasons[0].code
    assert again != decision_pb.REASON_CODE_SESSION_ENDED


async def test_a_stolen_session_token_is_unknown_on_every_other_device(home: Household, world: World) -> None:
    thief = world.device("Thief", session_token=home.tv.session_token, profile_id=home.profile_id)
    assert (await failure(thief.play("film"))).reason == "SESSION_UNKNOWN"
    listing = pb.ListDevicesRequest(**asked_by(thief))
    assert (await failure(world.accounts.ListDevices(listing))).reason == "SESSION_UNKNOWN"


async def test_a_bad_device_key_is_named_at_sign_in_and_costs_nothing(home: Household, world: World) -> None:
    request = pb.SignInRequest(
        request_id=home.start_request(home.tv).request_id,
        email=home.owner.email,
        password=home.owner.password,
        client=world.device("Phone").context(),
        device_public_key=b"short",
    )
    refused = await failure(world.accounts.SignIn(request))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("device_public_key",))

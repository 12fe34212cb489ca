"""AccountService: signing up, signing in, and a forgotten password; known and unknown addresses alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc

from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.devstack.device import Device, has_code
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    PHONE,
    Household,
    World,
    asked_by,
    failure,
    wrong,
)

NEW_PASSWORD = "another-four-words-entirely"
BAD_SIGN_UPS = {
    "email": "ada at example.com",
    "phone": "0151 2345",
    "password": "too-short",
    "country_code": "Germany",
    "profile_name": "",
    "plan_id": "no such plan",
    "request_id": "1",
}


async def test_a_sign_up_is_refused_alike_for_a_wrong_code_an_unknown_id_and_another_device(world: World) -> None:
    tv, email = world.device("Living-room TV"), _email()
    begun = await world.accounts.SignUp(_sign_up(tv, email))
    code = await world.code(email)
    attempts = [
        _complete(tv, begun.sign_up_id, wrong(code)),
        _complete(tv, str(uuid4()), code),
        _complete(world.device("Another TV"), begun.sign_up_id, code),
    ]
    refusals = {await failure(world.accounts.CompleteSignUp(each)) for each in attempts}
    assert len(refusals) == 1
    (refused,) = refusals
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_REJECTED")
    answer = await world.accounts.CompleteSignUp(_complete(tv, begun.sign_up_id, code))
    assert [(each.name, each.primary) for each in answer.profiles] == [("Ada", True)]
    again = await failure(world.accounts.CompleteSignUp(_complete(tv, begun.sign_up_id, code)))
    assert again == refused, "a code is redeemed once"


async def test_a_completed_sign_up_that_is_repeated_gives_the_same_account(world: World) -> None:
    tv, email = world.device("Living-room TV"), _email()
    begun = await world.accounts.SignUp(_sign_up(tv, email))
    request = _complete(tv, begun.sign_up_id, await world.code(email))
    first = await world.accounts.CompleteSignUp(request)
    world.clock.advance(timedelta(seconds=5))
    again = await world.accounts.CompleteSignUp(request)
    assert (again.account_id, again.profiles) == (first.account_id, first.profiles)
    tv.session_token, tv.profile_id = again.credentials.session_token, again.profiles[0].profile_id
    assert (await tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_sign_up_for_a_taken_address_is_answered_alike_and_tells_its_owner_alone(
    home: Household, world: World
) -> None:
    stranger = world.device("Stranger's TV", ELSEWHERE)
    free = await world.accounts.SignUp(_sign_up(stranger, _email()))
    request = _sign_up(stranger, home.owner.email)
    taken = await world.accounts.SignUp(request)
    assert taken.expire_time == free.expire_time
    assert len(taken.sign_up_id) == len(free.sign_up_id)
    assert await world.accounts.SignUp(request) == taken
    assert not has_code(await world.mail(home.owner.email, "already have an account"))
    guesses = [await failure(world.accounts.CompleteSignUp(_complete(stranger, taken.sign_up_id, "123456")))]
    guesses.append(await failure(world.accounts.CompleteSignUp(_complete(stranger, free.sign_up_id, "12345678"))))
    assert {each.reason for each in guesses} == {"CREDENTIALS_REJECTED"}
    assert guesses[0] == guesses[1]
    assert (await home.tv.sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_sign_up_names_each_field_that_is_wrong(world: World) -> None:
    tv = world.device("Living-room TV")
    for field, value in BAD_SIGN_UPS.items():
        refused = await failure(world.accounts.SignUp(_sign_up(tv, _email(), **{field: value})))
        assert (refused.reason, refused.fields) == ("INVALID_FIELD", (field,)), field
        assert not value or value not in refused.text
    empty = await failure(world.accounts.SignUp(pb.SignUpRequest()))
    assert set(empty.fields) >= {"request_id", "email", "password", "profile_name", "country_code", "client"}


async def test_a_used_sign_up_id_with_another_body_is_refused_by_name(world: World) -> None:
    request = _sign_up(world.device("Living-room TV"), _email())
    await world.accounts.SignUp(request)
    request.country_code = "AT"
    refused = await failure(world.accounts.SignUp(request))
    assert (refused.reason, refused.fields) == ("REQUEST_ID_REUSED", ("request_id",))


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(home: Household, world: World) -> None:
    requests = [
        _sign_in(world.device("Phone"), home.owner.email, "not-the-password-at-all"),
        _sign_in(world.device("Phone"), _email(), home.owner.password),
    ]
    refusals = {await failure(world.accounts.SignIn(each)) for each in requests}
    assert len(refusals) == 1
    assert {each.reason for each in refusals} == {"CREDENTIALS_REJECTED"}


async def test_a_sign_in_that_is_repeated_gets_the_same_decision_and_a_working_session(
    home: Household, world: World
) -> None:
    phone = world.device("Phone", profile_id=home.profile_id)
    request = _sign_in(phone, home.owner.email, home.owner.password)
    first = await world.accounts.SignIn(request)
    world.clock.advance(timedelta(seconds=5))
    again = await world.accounts.SignIn(request)
    assert again.decision_id == first.decision_id
    phone.session_token = again.credentials.session_token
    assert (await phone.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    request.password = "not-the-password-at-all"
    assert (await failure(world.accounts.SignIn(request))).reason == "CREDENTIALS_REJECTED"


async def test_the_owner_hears_of_a_new_device_and_not_of_one_that_is_known(home: Household, world: World) -> None:
    phone = await home.signed_in("Ada's phone")
    assert "Ada's phone" in await world.mail(home.owner.email, "A new device signed in")
    await phone.sign_in(home.owner)
    await home.signed_in("Ada's tablet")
    assert "Ada's tablet" in await world.mail(home.owner.email, "A new device signed in")


async def test_a_reset_ends_every_session_and_stream_and_the_old_password(home: Household, world: World) -> None:
    stream = (await home.tv.play("film")).stream
    tablet = world.device("Tablet", ELSEWHERE)
    reset_id = await tablet.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email, "Choose a new password")
    assert (await failure(tablet.reset_password(reset_id, wrong(code), NEW_PASSWORD))).reason == "CREDENTIALS_REJECTED"
    other = await failure(world.device("Thief").reset_password(reset_id, code, NEW_PASSWORD))
    assert other.reason == "CREDENTIALS_REJECTED"
    ended = await tablet.reset_password(reset_id, code, NEW_PASSWORD)
    assert (ended.ended_session_count, ended.ended_stream_count) == (1, 1)
    assert (await home.tv.renew(stream)).outcome == decision_pb.OUTCOME_DENIED
    assert (await home.tv.play("film")).reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    assert (await failure(home.tv.sign_in(home.owner))).reason == "CREDENTIALS_REJECTED"
    await world.mail(home.owner.email, "Your password was changed")
    assert (await home.tv.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_reset_for_an_unknown_address_is_answered_alike_however_often_it_is_asked(
    home: Household, world: World
) -> None:
    """Also beyond the number of codes that one account may be sent: a limit must not tell that there is one."""
    phone = world.device("Phone", ELSEWHERE)
    for _ in range(21):
        known, unknown = [
            await world.accounts.StartPasswordReset(
                pb.StartPasswordResetRequest(request_id=str(uuid4()), email=email, client=phone.context())
            )
            for email in (home.owner.email, _email())
        ]
        assert known.expire_time == unknown.expire_time
    refusals = {
        await failure(phone.reset_password(each.reset_id, "12345678", NEW_PASSWORD)) for each in (known, unknown)
    }
    assert len(refusals) == 1
    assert {each.reason for each in refusals} == {"CREDENTIALS_REJECTED"}


async def test_signing_out_ends_this_devices_streams_alone(home: Household, world: World) -> None:
    phone = await home.signed_in("Phone")
    mine, others = (await phone.play("film")).stream, (await home.tv.play("film")).stream
    answer = await world.accounts.SignOut(pb.SignOutRequest(**asked_by(phone)))
    assert answer.ended_stream_count == 1
    assert (await phone.renew(mine)).reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    assert (await home.tv.renew(others)).outcome == decision_pb.OUTCOME_ALLOWED
    assert (await phone.sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_signing_out_everywhere_ends_all_but_this_device(home: Household, world: World) -> None:
    phone, tablet = await home.signed_in("Phone"), await home.signed_in("Tablet")
    theirs, mine = (await phone.play("film")).stream, (await home.tv.play("film")).stream
    request = pb.SignOutEverywhereRequest(**asked_by(home.tv))
    answer = await world.accounts.SignOutEverywhere(request)
    assert (answer.ended_session_count, answer.ended_stream_count) == (2, 1)
    for device in (phone, tablet):
        assert (await device.play("film")).reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    assert (await phone.renew(theirs)).outcome == decision_pb.OUTCOME_DENIED
    assert (await home.tv.renew(mine)).outcome == decision_pb.OUTCOME_ALLOWED
    guest = await home.signed_in("Friend's TV", ELSEWHERE)
    refused = await failure(world.accounts.SignOutEverywhere(pb.SignOutEverywhereRequest(**asked_by(guest))))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "DEVICE_NOT_TRUSTED")


async def test_a_session_that_is_over_can_do_nothing(home: Household, world: World) -> None:
    phone = await home.signed_in("Phone")
    await world.accounts.SignOut(pb.SignOutRequest(**asked_by(phone)))
    attempts = [
        world.accounts.SignOut(pb.SignOutRequest(**asked_by(phone))),
        world.accounts.SignOutEverywhere(pb.SignOutEverywhereRequest(**asked_by(phone))),
        world.accounts.ListDevices(pb.ListDevicesRequest(**asked_by(phone))),
    ]
    assert {(await failure(each)).reason for each in attempts} == {"SESSION_UNKNOWN"}


def _email() -> str:
    return f"viewer.{uuid4().hex[:8]}@example.com"


def _sign_up(device: Device, address: str, **changes: Any) -> pb.SignUpRequest:
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "email": address,
        "phone": PHONE,
        "password": "four-words-nobody-guesses",
        "profile_name": "Ada",
        "country_code": "DE",
        "client": device.context(),
    }
    return pb.SignUpRequest(**(fields | changes))


def _complete(device: Device, sign_up_id: str, code: str) -> pb.CompleteSignUpRequest:
    return pb.CompleteSignUpRequest(request_id=str(uuid4()), sign_up_id=sign_up_id, code=code, client=device.context())


def _sign_in(device: Device, email: str, password: str) -> pb.SignInRequest:
    return pb.SignInRequest(request_id=str(uuid4()), email=email, password=password, client=device.context())


async def test_a_refused_new_password_does_not_cost_the_reset_its_code(home: Household, world: World) -> None:
    reset_id = await home.tv.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email, "Choose a new password")
    refused = await failure(home.tv.reset_password(reset_id, code, "passwordpassword"))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("password",))
    await home.tv.reset_password(reset_id, code, NEW_PASSWORD)
    assert (await home.tv.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_repeated_reset_with_another_password_changes_nothing(home: Household, world: World) -> None:
    reset_id = await home.tv.start_password_reset(home.owner.email)
    request = pb.ResetPasswordRequest(
        request_id=str(uuid4()),
        reset_id=reset_id,
        code=await world.code(home.owner.email, "Choose a new password"),
        password=NEW_PASSWORD,
        client=home.tv.context(),
    )
    await world.accounts.ResetPassword(request)
    await world.accounts.ResetPassword(request)
    request.password = "seven-other-words-of-a-thief"
    assert (await failure(world.accounts.ResetPassword(request))).reason == "CREDENTIALS_REJECTED"
    assert (await home.tv.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED

"""Everything a sign-up form gets, over the real gateway and leaves; and the password meter beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_status import rpc_status

from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import password_service_pb2 as password_pb
from hearthgate.gateway.v1 import password_service_pb2_grpc as password_rpc
from tests.contract.gateway.gateway_world import ELSEWHERE, PHONE, Household, World, failure

PASSWORD = "four-words-nobody-guesses"


def sign_up(world: World, **fields: Any) -> pb.SignUpRequest:
    """A sign-up in which everything is right, but for ``fields``."""
    right: dict[str, Any] = {
        "request_id": str(uuid4()),
        "email": f"{uuid4().hex}@example.com",
        "password": PASSWORD,
        "profile_name": "Ada",
        "country_code": "DE",
        "client": world.device("TV").context(),
    }
    return pb.SignUpRequest(**(right | fields))


async def fields_refused(world: World, request: pb.SignUpRequest) -> list[str]:
    """The fields that the refusal names."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.accounts.SignUp(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(caught.value)
    assert status is not None
    bad = BadRequest()
    assert any(each.Unpack(bad) for each in status.details)
    return [each.field for each in bad.field_violations]


TOO_LONG = "x" * 100_000
BAD_INPUT: list[tuple[str, str]] = [
    ("request_id", "1\x00"),
    ("request_id", TOO_LONG),
    ("email", TOO_LONG),
    ("email", "a" * 65 + "@example.com"),
    ("email", "ada@example.com\nBcc: eve@example.com"),
    ("email", "ada\x00@example.com"),
    ("email", "ada@ex\N{CYRILLIC SMALL LETTER A}mple.com"),
    ("phone", TOO_LONG),
    ("phone", "+49151\x0012345678"),
    ("phone", "+1800FLOWERS"),
    ("password", TOO_LONG),
    ("password", "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 256),
    ("password", "a phrase with an end\x00"),
    ("password", "ada ada ada ada lovelace"),
    ("profile_name", TOO_LONG),
    ("profile_name", "A\x00da"),
    ("profile_name", "Ada\N{RIGHT-TO-LEFT OVERRIDE}"),
    ("profile_name", "\N{ZERO WIDTH SPACE}"),
    ("country_code", "DE\n"),
    ("country_code", "de"),
    ("plan_id", "standard\n"),
    ("plan_id", TOO_LONG),
    ("plan_id", "gold"),
]


async def test_each_bad_field_is_named_and_nothing_is_sent(world: World) -> None:
    for field, value in BAD_INPUT:
        email = "ada.lovelace@example.com" if field == "password" else f"{uuid4().hex}@example.com"
        named = await fields_refused(world, sign_up(world, **({"email": email} | {field: value})))
        assert field in named, (field, value[:40], named)
    assert world.inbox.mails == ()


async def test_a_devices_name_with_a_nul_is_refused_before_anything_is_done(world: World) -> None:
    request = sign_up(world)
    request.client.device.name = "TV\x00"
    assert await fields_refused(world, request) == ["client.device.name"]
    assert await world.databases["identity"].fetch_value("select count(*) from account") == 0


@pytest.mark.parametrize("name", ["TV\nBcc: eve@example.com", "\N{RIGHT-TO-LEFT OVERRIDE}VT", "\x1b[31mTV"])
async def test_a_devices_name_that_would_deceive_its_reader_refuses_nothing_and_is_shown_cleaned(
    world: World, name: str
) -> None:
    request = sign_up(world)
    request.client.device.name = name
    await world.accounts.SignUp(request)
    mail = await world.inbox.wait_for(request.email)
    assert "eve@example.com" not in mail.text + mail.html
    assert not set("\x1b\N{RIGHT-TO-LEFT OVERRIDE}") & set(mail.text + mail.html)


async def test_two_accounts_may_share_a_number_and_a_plus_address_is_an_account_of_its_own(
    home: Household, world: World
) -> None:
    local, _, domain = home.owner.email.partition("@")
    plus = f"{local}+tv@{domain}"
    request = sign_up(world, email=plus, phone=PHONE)
    sign_up_id = (await world.accounts.SignUp(request)).sign_up_id
    tv = world.device("Another TV")
    tv.device_id = request.client.device.id
    answer = await tv.complete_sign_up(sign_up_id, await world.code(plus))
    assert answer.account_id != home.account_id


@pytest.mark.parametrize("address", ["free", "taken"])
async def test_a_replayed_sign_up_is_answered_the_same_and_one_with_another_body_is_refused(
    home: Household, world: World, address: str
) -> None:
    request = sign_up(world, **({"email": home.owner.email} if address == "taken" else {}))
    first = await world.accounts.SignUp(request)
    assert await world.accounts.SignUp(request) == first
    world.clock.advance(timedelta(seconds=3))
    request.client.ip_address = ELSEWHERE
    assert await world.accounts.SignUp(request) == first
    for change in ({"email": "eve@example.com"}, {"password": "another-four-words-of-nobody"}, {"profile_name": "Eve"}):
        other = pb.SignUpRequest()
        other.CopyFrom(request)
        for field, value in change.items():
            setattr(other, field, value)
        assert (await failure(world.accounts.SignUp(other))).reason == "REQUEST_ID_REUSED", change


async def test_of_two_sign_ups_at_once_for_one_address_whoever_enters_a_code_first_has_it(world: World) -> None:
    email = f"{uuid4().hex}@example.com"
    requests = [sign_up(world, email=email, password=f"the phrase of number {number}") for number in range(2)]
    ids = [each.sign_up_id for each in await asyncio.gather(*(world.accounts.SignUp(each) for each in requests))]
    codes = [await world.code(email), await world.code(email)]

    async def complete(number: int, code: str) -> str:
        tv = world.device("TV")
        tv.device_id = requests[number].client.device.id
        try:
            return (await tv.complete_sign_up(ids[number], code)).account_id
        except grpc.aio.AioRpcError:
            return ""

    # Which code is whose does not stand in the mails: each tries both.
    made = [await complete(number, code) for number in range(2) for code in codes]
    assert len([each for each in made if each]) == 1


async def test_the_meter_says_in_words_what_it_thinks_and_whether_a_sign_up_would_take_it(world: World) -> None:
    meter = password_rpc.PasswordServiceStub(world.channels["backend"])
    weak = await meter.CheckPassword(password_pb.CheckPasswordRequest(password="password2024"))
    assert not weak.accepted
    assert weak.refusal == password_pb.PASSWORD_REFUSAL_TOO_SHORT
    assert weak.refusal_text == "Use at least 15 characters."
    assert weak.warning.text
    assert all(each.text for each in weak.suggestions)
    strong = await meter.CheckPassword(password_pb.CheckPasswordRequest(password=PASSWORD, profile_name="Ada"))
    assert (strong.accepted, strong.refusal, strong.refusal_text) == (True, 0, "")
    assert strong.score == 4
    assert not strong.HasField("warning")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await meter.CheckPassword(password_pb.CheckPasswordRequest(password="x" * 257))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_meter_answers_the_backend_alone(world: World) -> None:
    meter = password_rpc.PasswordServiceStub(world.channels["stranger"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await meter.CheckPassword(password_pb.CheckPasswordRequest(password=PASSWORD))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED

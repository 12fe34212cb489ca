"""Wherever a password or a PIN is checked: one door for all, and none for a password that is to be reset."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from services.identity.storage import accounts
from tests.contract.gateway import member_world
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    GATEWAY_SERVICES,
    Household,
    World,
    asked_by,
    failure,
    hold_once,
    once,
)
from tests.contract.gateway.test_gateway_disown import NEW_PASSWORD, disown, reset, token_in_mail
from tests.contract.gateway.test_gateway_restricted import REFUSED, Attempt

UNCHECKED: Final = {"CheckPassword"}
"""A meter: it hashes nothing, and has a door of its own."""


@pytest.fixture
def gateway_settings() -> dict[str, Any]:
    """One check at once."""
    return {"sign_ins_at_once": 1}


async def _answered(sent: Any) -> str:
    """The reason of a refusal, empty for an answer."""
    try:
        await (anext(aiter(sent)) if hasattr(sent, "__aiter__") else sent)
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)
        assert status is not None
        asked_to_come_again = any(detail.Is(RetryInfo.DESCRIPTOR) for detail in status.details)
        return "come again" if asked_to_come_again else str(error.details())
    return ""


async def _checks(home: Household, world: World) -> dict[str, Any]:
    """Each RPC that takes a password or a PIN, with a request that is right in every way."""
    profile_id, ben = await home.add_profile("Ben"), member_world.person()
    stream = (await home.tv.play("film")).stream
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    by_tv = Attempt(home=home, thief=home.tv, profile_id=profile_id, stream=stream, verification_id=str(uuid4()))
    await member_world.invite(home, ben.email)
    other = world.device("Ben's TV", ELSEWHERE)
    new: dict[str, Any] = {"password": "four-words-of-a-stranger", "country_code": "DE", "client": other.context()}
    reset_id = await home.tv.start_password_reset(home.owner.email)
    code = await world.code(home.owner.email, "Choose a new password")
    return {
        "SignIn": account_pb.SignInRequest(
            request_id=str(uuid4()), email=home.owner.email, password=home.owner.password, client=other.context()
        ),
        "SignUp": account_pb.SignUpRequest(
            request_id=str(uuid4()), email="new@example.com", profile_name="New", plan_id="premium", **new
        ),
        "AcceptInvitation": member_world.acceptance(other, await member_world.token_of(world, ben.email), ben),
        "ResetPassword": account_pb.ResetPasswordRequest(
            request_id=str(uuid4()), reset_id=reset_id, code=code, password=NEW_PASSWORD, client=home.tv.context()
        ),
        **{name: build(by_tv) for name, build in REFUSED.items() if name in _taking_passwords()},
        "CreateOwnAccount": REFUSED["CreateOwnAccount"](replace(by_tv, thief=friend)),
    }


def _taking_passwords() -> set[str]:
    methods = [method for service in GATEWAY_SERVICES for method in service.methods]
    return {each.name for each in methods if {"password", "pin"} & set(each.input_type.fields_by_name)} - UNCHECKED


async def test_whatever_makes_identity_hash_goes_through_one_door(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = await _checks(home, world)
    assert checks.keys() == _taking_passwords(), "a new RPC that takes a password belongs here"
    stubs = (world.accounts, world.contacts, world.members, world.privacy, world.profiles, world.protection)
    calls = {name: next(getattr(stub, name) for stub in stubs if hasattr(stub, name)) for name in checks}
    hold = hold_once(monkeypatch, accounts, "find_address")
    first = asyncio.ensure_future(home.signed_in("Another TV"))
    await hold.held.wait()
    refused = {name: await _answered(calls[name](request)) for name, request in checks.items()}
    hold.release.set()
    await first
    assert refused == dict.fromkeys(checks, "come again")
    assert await _answered(calls["ResetPassword"](checks["ResetPassword"])) == "", "the code is not lost by it"


async def test_a_password_that_is_to_be_reset_neither_exports_nor_erases(home: Household, world: World) -> None:
    """Whoever stole it may sit at a device of the household, or hold its session."""
    await home.signed_in("Thief's phone", ELSEWHERE)
    await disown(world, await token_in_mail(home, "A new device signed in"))

    async def export(password: str) -> object:
        request = privacy_pb.ExportAccountRequest(**asked_by(home.tv), password=password)
        return await world.privacy.ExportAccount(request).read()

    async def erase(password: str) -> object:
        return await world.privacy.EraseAccount(privacy_pb.EraseAccountRequest(**once(home.tv), password=password))

    for attempt in (export, erase):
        assert (await failure(attempt(home.owner.password))).reason == "CREDENTIALS_REJECTED", attempt.__name__
    assert (await home.tv.play("film")).grant, "the account is as it was"
    await reset(home, home.tv, NEW_PASSWORD)
    await home.tv.sign_in(home.owner, NEW_PASSWORD)
    for attempt in (export, erase):
        assert await attempt(NEW_PASSWORD)

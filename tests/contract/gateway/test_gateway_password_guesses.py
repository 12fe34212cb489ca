"""Guessed passwords at the gateway's door: what the asker is told, who still gets in, how an owner gets in again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from hearthgate.gateway.v1 import protection_service_pb2 as protection_pb
from libs.devstack.device import Device, Person
from tests.contract.gateway.gateway_world import ELSEWHERE, HOME, Household, World, failure, once

AT_ONCE, FROM_NETWORK = 10, 25
WRONG = "not-the-password-at-all"
NEW_PASSWORD = "another-four-words-entirely"
Told = tuple[grpc.StatusCode, str, dict[str, str], float | None]


@pytest.fixture
def identity_settings() -> dict[str, Any]:
    """Few guesses for a network, and refusals without a pause."""
    return {"password_guesses_per_network": FROM_NETWORK, "password_limited_pause_seconds": 0}


async def told(device: Device, person: Person, password: str = WRONG) -> Told:
    """Everything that an asker is told of a sign-in that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await device.sign_in(person, password)
    status = rpc_status.from_call(caught.value)
    info, retry, waits = ErrorInfo(), RetryInfo(), False
    for detail in status.details if status else ():
        _ = detail.Unpack(info)
        waits = detail.Unpack(retry) or waits
    wait = retry.retry_delay.ToTimedelta().total_seconds() if waits else None
    return caught.value.code(), caught.value.details() or "", {"reason": info.reason, **info.metadata}, wait


async def use_up(world: World, person: Person) -> Device:
    """All guesses that strangers have at once; the device that guessed."""
    laptop = world.device("Stranger's laptop", ELSEWHERE)
    answers = [(await told(laptop, person))[2]["reason"] for _ in range(AT_ONCE + 1)]
    assert answers == ["CREDENTIALS_REJECTED"] * AT_ONCE + ["LIMIT_EXCEEDED"]
    return laptop


async def test_a_stranger_who_uses_everything_up_locks_no_owner_out(home: Household, world: World) -> None:
    await use_up(world, home.owner)
    assert (await home.tv.sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED
    phone = world.device("Ada's new phone")
    code, text, info, wait = await told(phone, home.owner, home.owner.password)
    assert (code, info) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        {"reason": "LIMIT_EXCEEDED", "limit": "password_guesses", "max": "10"},
    )
    assert text == "Too many wrong passwords; wait, or choose a new password with a code by mail."
    assert wait == timedelta(seconds=90).total_seconds()

    reset_id = await phone.start_password_reset(home.owner.email)
    await phone.reset_password(reset_id, await world.code(home.owner.email, "Choose a new password"), NEW_PASSWORD)
    await use_up(world, home.owner)
    assert (await phone.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED
    assert (await home.tv.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_an_address_without_an_account_is_limited_in_the_very_same_words(home: Household, world: World) -> None:
    nobody = Person(name="Nobody", email=f"{uuid4().hex}@example.com", password=home.owner.password)
    answers = []
    for person in (home.owner, nobody):
        laptop = world.device("Stranger's laptop", ELSEWHERE)
        answers.append([await told(laptop, person) for _ in range(AT_ONCE + 2)])
    assert answers[0] == answers[1]
    world.clock.advance(timedelta(hours=1))
    in_row = []
    for person in (home.owner, nobody):
        laptop = world.device("Stranger's laptop", ELSEWHERE)
        for _ in range(39):
            await told(laptop, person)
            world.clock.advance(timedelta(seconds=145))
        in_row.append([await told(laptop, person) for _ in range(3)])
    assert in_row[0] == in_row[1]
    code, text, info, wait = in_row[0][-1]
    assert text == "Too many wrong passwords; choose a new password with a code by mail."
    assert (code, info["limit"], wait) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "password_guesses_in_row", None)


async def test_one_password_tried_at_many_addresses_from_a_network_is_stopped(home: Household, world: World) -> None:
    laptop = world.device("Stranger's laptop", HOME)
    people = [Person(name="Somebody", email=f"{uuid4().hex}@example.com", password=WRONG) for _ in range(30)]
    answers = [await told(laptop, person) for person in people]
    assert [each[2]["reason"] for each in answers].count("CREDENTIALS_REJECTED") == FROM_NETWORK
    code, text, info, wait = answers[-1]
    assert (code, info["limit"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "password_guesses_per_network")
    assert text == "Too many wrong passwords from this network; wait, then try again."
    assert wait == 3600 / FROM_NETWORK
    # The household lives in that network, too.
    assert (await home.tv.sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_who_holds_a_session_guesses_no_further_either(home: Household, world: World) -> None:
    def change(current: str) -> Any:
        return world.protection.ChangePassword(
            protection_pb.ChangePasswordRequest(**once(home.tv), current_password=current, password=NEW_PASSWORD)
        )

    answers = [(await failure(change(f"{WRONG} {number}"))).reason for number in range(6)]
    assert answers == ["CREDENTIALS_REJECTED"] * 5 + ["LIMIT_EXCEEDED"]
    assert (await failure(change(home.owner.password))).reason == "LIMIT_EXCEEDED"

    def erase(password: str) -> Any:
        return world.privacy.EraseAccount(privacy_pb.EraseAccountRequest(**once(home.tv), password=password))

    answers = [(await failure(erase(WRONG))).reason for _ in range(AT_ONCE + 1)]
    assert answers == ["CREDENTIALS_REJECTED"] * AT_ONCE + ["LIMIT_EXCEEDED"]
    # The television has used its own guesses up, and nobody else's.
    assert (await home.signed_in("Another TV")).session_token

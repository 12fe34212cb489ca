"""A stolen password: what it cannot do, how the owner hears of it, and how an owner abroad gets in all the same."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import verification_service_pb2 as pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
)

EMAIL, TRUSTED_DEVICE = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TRUSTED_DEVICE
CODES = {standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT}


async def test_a_right_password_abroad_gets_a_session_that_can_only_prove_itself(home: Household, world: World) -> None:
    thief = world.device("Unknown laptop", ABROAD, "BR", **laptop_fields())
    answer = await thief.sign_in(home.owner)
    assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert answer.reasons[0].code == decision_pb.REASON_CODE_SUSPECTED_THEFT
    assert (list(answer.profiles), answer.HasField("credentials")) == ([], True)
    assert not answer.verification.can_defer
    told = await world.mail(home.owner.email, "We stopped a sign-in")
    assert "Unknown laptop" in told
    thief.profile_id = home.profile_id
    refused = await thief.play("film")
    assert refused.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert (refused.reasons[0].code, refused.grant) == (decision_pb.REASON_CODE_SUSPECTED_THEFT, "")
    codes = [each.code for each in refused.remedies]
    assert decision_pb.REMEDY_CODE_VERIFY_LATER not in codes
    assert decision_pb.REMEDY_CODE_CREATE_OWN_ACCOUNT not in codes


async def test_a_thiefs_session_can_do_nothing_for_the_household(home: Household, world: World) -> None:
    spare = await home.add_profile("Ben")
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    asked = await thief.request_verification(TRUSTED_DEVICE)
    refused = {name: (await failure(call)).reason for name, call in _attempts(home, thief, asked, spare).items()}
    assert refused == dict.fromkeys(refused, "DEVICE_NOT_TRUSTED")
    assert (await failure(thief.verify_later())).reason == "DEVICE_NOT_TRUSTED"
    assert (await home.tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_device_that_turns_suspect_later_can_do_no_more_than_a_thief(home: Household, world: World) -> None:
    """Signed in at home's country with a full session, and then abroad."""
    spare = await home.add_profile("Ben")
    laptop = await home.signed_in("Laptop", ELSEWHERE, **laptop_fields())
    asked = await laptop.request_verification(TRUSTED_DEVICE)
    laptop.ip_address, laptop.country_code = ABROAD, "BR"
    refused = {name: (await failure(call)).reason for name, call in _attempts(home, laptop, asked, spare).items()}
    assert refused == dict.fromkeys(refused, "DEVICE_NOT_TRUSTED")


async def test_a_household_code_never_clears_suspicion(home: Household, world: World) -> None:
    laptop = await home.signed_in("Laptop", ELSEWHERE, **laptop_fields())
    asked = await laptop.request_verification(EMAIL)
    code = await world.code(home.owner.email, "asks to watch")
    laptop.ip_address, laptop.country_code = ABROAD, "BR"
    answer = await laptop.submit_code(asked.verification_id, code)
    assert (answer.result, answer.standing) == (pb.CODE_RESULT_ACCEPTED, standing_pb2.STANDING_SUSPECT)
    refused = await laptop.play("film")
    assert refused.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
    assert refused.reasons[0].code == decision_pb.REASON_CODE_SUSPECTED_THEFT


async def test_the_owner_abroad_clears_suspicion_with_a_code_by_email_and_plays(home: Household, world: World) -> None:
    laptop = await home.signed_in("Ada's new laptop", ABROAD, "BR", **laptop_fields())
    asked = await laptop.request_verification(EMAIL)
    assert asked.suspected_theft
    answer = await laptop.submit_code(asked.verification_id, await world.code(home.owner.email, "Was this sign-in"))
    assert answer.result == pb.CODE_RESULT_ACCEPTED
    assert (await laptop.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL
    later = await laptop.sign_in(home.owner)
    assert (later.outcome, len(later.profiles)) == (decision_pb.OUTCOME_ALLOWED, 1)


async def test_a_yes_at_home_lifts_the_restriction_of_the_owners_session_abroad(home: Household, world: World) -> None:
    laptop = world.device("Ada's new laptop", ABROAD, "BR", profile_id=home.profile_id, **laptop_fields())
    stopped = await laptop.sign_in(home.owner)
    (pending,) = await home.tv.pending_verifications()
    assert pending.verification_id == stopped.verification.verification_id
    assert (pending.suspected_theft, pending.country_code) == (True, "BR")
    watching = laptop.watch_verification(pending.verification_id)
    assert (await anext(watching)).verification.match_number == pending.match_number
    request = pb.ApproveDeviceRequest(**once(home.tv), verification_id=pending.verification_id)
    await world.verification.ApproveDevice(request)
    assert (await anext(watching)).verification.state == pb.VERIFICATION_STATE_VERIFIED
    assert (await laptop.play("film")).outcome == decision_pb.OUTCOME_ALLOWED_UNTIL


async def test_it_was_not_me_shuts_the_thief_out(home: Household, world: World) -> None:
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    (pending,) = await home.tv.pending_verifications()
    rejected = await home.tv.it_was_not_me(pending.verification_id)
    assert rejected.ended_session_count == 1
    answer = await thief.play("film")
    assert answer.reasons[0].code == decision_pb.REASON_CODE_DEVICE_REVOKED
    assert (await failure(thief.request_verification(EMAIL))).reason == "SESSION_UNKNOWN"
    assert (await thief.sign_in(home.owner)).outcome == decision_pb.OUTCOME_DENIED
    assert "Unknown laptop" in await world.mail(home.owner.email, "A device was shut out")


async def test_whoever_keeps_trying_the_password_does_not_lock_the_owner_abroad_out(
    home: Household, world: World
) -> None:
    """Beyond five questions in ten minutes nobody is asked, but an owner can still have a code sent."""
    for number in range(6):
        device = world.device(f"Laptop {number}", ABROAD, "BR", profile_id=home.profile_id, **laptop_fields())
        answer = await device.sign_in(home.owner)
        assert answer.outcome == decision_pb.OUTCOME_VERIFICATION_REQUIRED
        assert {each.channel for each in answer.verification.options} >= CODES
    assert answer.verification.verification_id == ""
    asked = await device.request_verification(EMAIL)
    code = await world.code(home.owner.email, "Was this sign-in")
    assert (await device.submit_code(asked.verification_id, code)).result == pb.CODE_RESULT_ACCEPTED


def _attempts(
    home: Household, thief: Device, asked: pb.VerificationStatus, profile_id: str
) -> dict[str, Awaitable[Any]]:
    """What a thief might try, by name; none of it awaited yet."""
    world, by, question = home.world, asked_by(thief), asked.verification_id
    own_account = account_pb.CreateOwnAccountRequest(
        **once(thief),
        profile_id=profile_id,
        email=f"thief.{uuid4().hex[:8]}@example.com",
        password="a-password-of-my-own",
        country_code="BR",
    )
    revoke = account_pb.RevokeDeviceRequest(**by, device_id=home.tv.device_id)
    return {
        "list devices": world.accounts.ListDevices(account_pb.ListDevicesRequest(**by)),
        "revoke": world.accounts.RevokeDevice(revoke),
        "approve": world.verification.ApproveDevice(pb.ApproveDeviceRequest(**once(thief), verification_id=question)),
        "reject": thief.it_was_not_me(question),
        "sign out everywhere": world.accounts.SignOutEverywhere(account_pb.SignOutEverywhereRequest(**by)),
        "create own account": world.accounts.CreateOwnAccount(own_account),
        "list pending": thief.pending_verifications(),
        "configure downloads": thief.configure_downloads(1_000_000),
        "declare residence": world.accounts.DeclareResidence(account_pb.DeclareResidenceRequest(**once(thief))),
    }

"""ProtectionService: a new password while signed in."""

from __future__ import annotations

from typing import Any

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import protection_service_pb2 as pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, failure, once
from tests.contract.gateway.test_gateway_disown import disown, token_in_mail

NEW_PASSWORD = "another-four-words-entirely"


def change(home: Household, device: Device, **changes: Any) -> pb.ChangePasswordRequest:
    """A change in which everything is right."""
    fields: dict[str, Any] = {**once(device), "current_password": home.owner.password, "password": NEW_PASSWORD}
    return pb.ChangePasswordRequest(**(fields | changes))


async def test_a_change_ends_everything_but_this_session_and_tells_the_owner(home: Household, world: World) -> None:
    phone = await home.signed_in("Phone")
    phones_film, film = (await phone.play("film")).stream, (await home.tv.play("film")).stream
    answer = await world.protection.ChangePassword(change(home, home.tv))
    assert (answer.ended_session_count, answer.ended_stream_count) == (1, 1)
    ended = await phone.renew(phones_film)
    assert ended.reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    assert (await home.tv.renew(film)).outcome == decision_pb.OUTCOME_ALLOWED
    assert "every other device was signed out" in await world.mail(home.owner.email, "Your password was changed")
    assert (await failure(phone.sign_in(home.owner))).reason == "CREDENTIALS_REJECTED"
    assert (await phone.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_wrong_current_password_changes_nothing(home: Household, world: World) -> None:
    refused = await failure(world.protection.ChangePassword(change(home, home.tv, current_password="not the one")))
    assert refused.reason == "CREDENTIALS_REJECTED"
    assert (await world.device("Tablet").sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_new_password_that_is_well_known_is_refused_by_its_field(home: Household, world: World) -> None:
    refused = await failure(world.protection.ChangePassword(change(home, home.tv, password="passwordpassword")))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", ("password",))


async def test_only_a_device_of_the_household_changes_the_password(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    refused = await failure(world.protection.ChangePassword(change(home, friend)))
    assert refused.reason == "DEVICE_NOT_TRUSTED"


async def test_a_change_that_is_repeated_after_a_lost_answer_is_told_once(home: Household, world: World) -> None:
    request = change(home, home.tv)
    await world.protection.ChangePassword(request)
    again = await world.protection.ChangePassword(request)
    assert again.ended_session_count == 0
    back = change(home, home.tv, current_password=NEW_PASSWORD, password=home.owner.password)
    back.request_id = request.request_id
    await world.protection.ChangePassword(back)
    for _ in range(2):
        await world.mail(home.owner.email, "Your password was changed")
    mails = [mail for mail in world.inbox.mails if "Your password was changed" in mail.subject]
    assert len(mails) == 2, "the repeat is not told again, another change under the same id is"


async def test_a_change_settles_a_demanded_reset_with_another_password_only(home: Household, world: World) -> None:
    await home.signed_in("Thief's phone", ELSEWHERE)
    await disown(world, await token_in_mail(home, "A new device signed in"))
    same = await failure(world.protection.ChangePassword(change(home, home.tv, password=home.owner.password)))
    assert (same.reason, same.fields) == ("INVALID_FIELD", ("password",))
    as_if_repeated = change(home, home.tv, current_password="not the one", password=home.owner.password)
    assert (await failure(world.protection.ChangePassword(as_if_repeated))).reason == "CREDENTIALS_REJECTED"
    await world.protection.ChangePassword(change(home, home.tv))
    assert (await world.device("Tablet").sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED

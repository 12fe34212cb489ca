"""ProtectionService: "it wasn't me" from a mail, and a password that has to be reset from then on."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import protection_service_pb2 as pb
from libs.devstack.device import Device
from libs.runtime.keys import SealingKeys
from services.gateway.disown_tokens import DisownTokens
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.verification import NoticeKind, Requester
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    THIRD_PLACE,
    Failure,
    Household,
    World,
    failure,
    laptop_fields,
    phone_fields,
)

NEW_PASSWORD = "another-four-words-entirely"
_LINK = re.compile(r"https://www\.example\.com/not-me#([A-Za-z0-9_-]+)")


async def token_in_mail(home: Household, about: str) -> str:
    """What the link of the next mail about something carries."""
    match = _LINK.search(await home.world.mail(home.owner.email, about))
    assert match is not None, "the mail has a link"
    return match[1]


async def disown(world: World, token: str) -> pb.DisownSignInResponse:
    """Press the button on the page."""
    return await world.protection.DisownSignIn(pb.DisownSignInRequest(token=token))


async def guest(home: Household, name: str, ip_address: str = ELSEWHERE) -> Device:
    """A device elsewhere that plays as a guest."""
    device = await home.signed_in(name, ip_address, **phone_fields())
    asked = await device.request_verification(standing_pb2.CHANNEL_EMAIL)
    await device.submit_code(asked.verification_id, await home.world.code(home.owner.email, "asks to watch"))
    return device


async def reset(home: Household, device: Device, password: str) -> account_pb.ResetPasswordResponse:
    """Choose a new password by code."""
    reset_id = await device.start_password_reset(home.owner.email)
    code = await home.world.code(home.owner.email, "Choose a new password")
    return await device.reset_password(reset_id, code, password)


async def test_not_me_shuts_the_device_out_and_leaves_the_household_its_film(home: Household, world: World) -> None:
    film = (await home.tv.play("film")).stream
    thief = await guest(home, "Thief's phone")
    token = await token_in_mail(home, "A new device signed in")
    stolen = (await thief.play("film")).stream
    answer = await disown(world, token)
    assert (answer.ended_session_count, answer.ended_stream_count) == (1, 1)
    assert answer.password_reset_required
    for refused in (await thief.play("film"), await thief.renew(stolen)):
        assert refused.outcome == decision_pb.OUTCOME_DENIED
        assert refused.reasons[0].code == decision_pb.REASON_CODE_DEVICE_REVOKED
    assert (await home.tv.renew(film)).outcome == decision_pb.OUTCOME_ALLOWED
    assert (await home.tv.play("another-film")).outcome == decision_pb.OUTCOME_ALLOWED
    assert "Thief's phone" in await world.mail(home.owner.email, "A device was shut out")


async def test_everybody_outside_the_household_is_signed_out_since_the_password_may_be_theirs(
    home: Household, world: World
) -> None:
    friend, thief = await guest(home, "Friend's phone"), await home.signed_in("Thief's phone", THIRD_PLACE)
    friends_film = (await friend.play("film")).stream
    await token_in_mail(home, "Friend's phone")
    answer = await disown(world, await token_in_mail(home, "Thief's phone"))
    assert (answer.ended_session_count, answer.ended_stream_count) == (2, 1)
    refused = await friend.renew(friends_film)
    assert refused.reasons[0].code == decision_pb.REASON_CODE_SESSION_ENDED
    assert (await thief.play("film")).outcome == decision_pb.OUTCOME_DENIED


async def test_from_then_on_the_right_password_opens_nothing_until_it_was_replaced(
    home: Household, world: World
) -> None:
    await home.signed_in("Thief's phone", ELSEWHERE)
    await disown(world, await token_in_mail(home, "A new device signed in"))
    tablet = world.device("Tablet")
    refused = await tablet.sign_in(home.owner)
    assert refused.outcome == decision_pb.OUTCOME_DENIED
    assert [each.code for each in refused.reasons] == [decision_pb.REASON_CODE_PASSWORD_RESET_REQUIRED]
    assert [each.code for each in refused.remedies] == [decision_pb.REMEDY_CODE_RESET_PASSWORD]
    assert not refused.HasField("credentials")
    assert refused.account_id == ""
    wrong = await failure(tablet.sign_in(home.owner, "some-other-password"))
    assert wrong.reason == "CREDENTIALS_REJECTED", "whoever does not know it is not told"
    old = await failure(reset(home, tablet, home.owner.password))
    assert (old.reason, old.fields) == ("INVALID_FIELD", ("password",)), "the old one is known to a thief"
    await reset(home, tablet, NEW_PASSWORD)
    assert (await tablet.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_without_a_demand_the_old_password_may_be_chosen_again(home: Household, world: World) -> None:
    tablet = world.device("Tablet")
    await reset(home, tablet, home.owner.password)
    assert (await tablet.sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_pressing_again_does_no_more_and_nothing_at_all_after_the_reset(home: Household, world: World) -> None:
    await home.signed_in("Thief's phone", ELSEWHERE)
    token = await token_in_mail(home, "A new device signed in")
    first, second = await disown(world, token), await disown(world, token)
    assert (first.ended_session_count, second.ended_session_count) == (1, 0)
    assert second.password_reset_required
    await world.mail(home.owner.email, "A device was shut out")
    await reset(home, home.tv, NEW_PASSWORD)
    friend = world.device("Friend's phone", THIRD_PLACE)
    await friend.sign_in(home.owner, NEW_PASSWORD)
    third = await disown(world, token)
    assert not third.password_reset_required
    assert (await friend.sign_in(home.owner, NEW_PASSWORD)).outcome == decision_pb.OUTCOME_ALLOWED
    told = [mail for mail in world.inbox.mails if "A device was shut out" in mail.subject]
    assert len(told) == 1


@pytest.mark.parametrize("kind", ["stopped", "changed"])
async def test_a_stopped_sign_in_and_a_changed_password_can_be_disowned_as_well(
    home: Household, world: World, kind: str
) -> None:
    thief = world.device("Unknown laptop", ABROAD, "BR", **laptop_fields())
    if kind == "stopped":
        await thief.sign_in(home.owner)
        token = await token_in_mail(home, "We stopped a sign-in")
    else:
        await reset(home, thief, NEW_PASSWORD)
        token = await token_in_mail(home, "Your password was changed")
    assert (await disown(world, token)).password_reset_required
    password = home.owner.password if kind == "stopped" else NEW_PASSWORD
    refused = await world.device("Tablet").sign_in(home.owner, password)
    assert refused.reasons[0].code == decision_pb.REASON_CODE_PASSWORD_RESET_REQUIRED


async def test_a_forged_an_expired_and_a_foreign_token_are_refused_alike(home: Household, world: World) -> None:
    await home.signed_in("Phone", ELSEWHERE)
    token = await token_in_mail(home, "A new device signed in")
    foreign = DisownTokens(SealingKeys([b"f" * 32]), timedelta(days=30)).issue(_claim(home, world))
    # Not the last character, which may hold bits that stand for nothing.
    turned = f"{token[:60]}{'A' if token[60] != 'A' else 'B'}{token[61:]}"
    gone = await _refusal(world, _of_a_gone_account(world, home))
    refusals = [await _refusal(world, each) for each in (foreign, turned, "x", "not base64 at all!", token[:40])]
    world.clock.advance(timedelta(days=30, seconds=1))
    refusals += [gone, await _refusal(world, token)]
    assert {each.code for each in refusals} == {grpc.StatusCode.UNAUTHENTICATED}
    assert {(each.reason, each.text) for each in refusals} == {(gone.reason, gone.text)}
    assert gone.reason == "CREDENTIALS_REJECTED"
    assert (await world.device("Tablet").sign_in(home.owner)).outcome == decision_pb.OUTCOME_ALLOWED


async def test_the_token_tells_nothing_and_is_nowhere_in_the_clear(home: Household, world: World) -> None:
    await home.signed_in("Phone", ELSEWHERE)
    token = await token_in_mail(home, "A new device signed in")
    opened = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert home.account_id.replace("-", "").encode() not in opened
    for service in ("gateway", "challenge"):
        assert token not in await _everything(world, service)

    async def gone() -> bool:
        sql = "select not exists (select from delivery where parameters::text like '%token%')"
        return bool(await world.databases["challenge"].fetch_value(sql))

    assert await world.eventually(gone), "sent, so it is not even there sealed"


def _claim(home: Household, world: World) -> DisownClaim:
    device = Requester(device_id=home.tv.device_id, device_kind=1, device_name="", platform=4, country_code="DE")
    return DisownClaim(
        account_id=uuid4(),
        notice_id=uuid4(),
        kind=NoticeKind.NEW_SIGN_IN,
        device=device,
        expire_time=world.clock.now() + timedelta(days=1),
    )


def _of_a_gone_account(world: World, home: Household) -> str:
    return world.gateway.disown_tokens.issue(_claim(home, world))


async def _refusal(world: World, token: str) -> Failure:
    return await failure(disown(world, token))


async def _everything(world: World, service: str) -> str:
    """Every row of every table of a service, as text."""
    database = world.databases[service]
    tables = await database.fetch("select tablename from pg_tables where schemaname = 'public'")
    found = []
    for row in tables:
        rows = await database.fetch(f'select t::text as whole from "{row["tablename"]}" t')  # noqa: S608 - names of our own tables
        found += [each["whole"] for each in rows]
    return "\n".join(found)

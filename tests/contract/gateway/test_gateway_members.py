"""Extra members: invited by mail, at home elsewhere, one stream of their own, and gone when the household says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest

from hearthgate.common.v1 import video_quality_pb2 as quality_pb
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import member_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from tests.contract.gateway import member_world
from tests.contract.gateway.gateway_world import (
    ELSEWHERE,
    THIRD_PLACE,
    Failure,
    Household,
    World,
    asked_by,
    failure,
    phone_fields,
)
from tests.contract.gateway.member_world import INVITED
from tests.contract.gateway.titles import GIGABYTE, bring_series, watched

DENIED = decision_pb.OUTCOME_DENIED


async def test_an_invited_person_plays_at_home_elsewhere_beside_the_household(home: Household, world: World) -> None:
    _, tv, ben, _ = await member_world.member(home, world)
    played = await tv.play("film")
    assert played.reasons[0].code == decision_pb.REASON_CODE_HOUSEHOLD
    assert played.stream.max_quality == quality_pb.VIDEO_QUALITY_UHD, "the picture is the host's"
    for number in range(4):
        assert (await home.tv.play(f"film-{number}")).outcome == decision_pb.OUTCOME_ALLOWED
    second = world.device("Ben's tablet", ELSEWHERE)
    await second.sign_in(ben)
    refused = await second.play("film")
    assert refused.reasons[0].code == decision_pb.REASON_CODE_TOO_MANY_STREAMS, "a member has one stream"
    listed = await member_world.list_members(home)
    assert (listed.slots, [each.state for each in listed.members]) == (2, [pb.MEMBER_STATE_ACTIVE])
    assert ben.email not in str(listed)


async def test_a_member_has_one_download_device(home: Household, world: World) -> None:
    await bring_series(world, "harbour", episodes=2)
    _, _, ben, _ = await member_world.member(home, world)
    phones = [world.device(f"Phone {number}", ELSEWHERE, **phone_fields()) for number in range(2)]
    for phone in phones:
        await phone.sign_in(ben)
    await phones[0].configure_downloads(GIGABYTE)
    assert (await failure(phones[1].configure_downloads(GIGABYTE))).reason == "LIMIT_EXCEEDED"


async def test_the_viewers_profile_and_history_come_along_from_the_hosts_account(home: Household, world: World) -> None:
    await bring_series(world, "harbour", episodes=2)
    profile_id = await home.add_profile("Ben")
    phone = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    phone.profile_id = profile_id
    await watched(world, phone, "harbour.s1e1")
    ben = member_world.person()
    await member_world.invite(home, ben.email)
    along = {"session_token": phone.session_token, "profile_id": profile_id, "profile_name": ""}
    await member_world.join(world, phone, await member_world.token_of(world, ben.email), ben, **along)
    assert phone.profile_id == profile_id
    assert (await phone.play("film")).outcome == decision_pb.OUTCOME_ALLOWED
    await phone.configure_downloads(GIGABYTE)
    plan = await phone.plan_downloads([], 10 * GIGABYTE)
    assert [each.title_id for each in plan.items][:1] == ["harbour.s1e2"]
    assert [each.name for each in (await home.tv.sign_in(home.owner)).profiles] == ["Ada"]


async def test_only_the_hosts_profiles_that_may_move_come_along(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    kid, ben_profile = await home.add_profile("Kim", kids=True), await home.add_profile("Ben")
    phone = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    foreign = await other.signed_in("Ben's tablet", THIRD_PLACE)
    theirs = await other.add_profile("Ben")
    ben = member_world.person()
    await member_world.invite(home, ben.email)
    token = await member_world.token_of(world, ben.email)
    attempts = {
        "primary": (phone, home.profile_id, "STATE_CONFLICT"),
        "kids": (phone, kid, "STATE_CONFLICT"),
        "household device": (home.tv, ben_profile, "STATE_CONFLICT"),
        "another account's": (foreign, theirs, "STATE_CONFLICT"),
        "not there": (phone, theirs, "NOT_FOUND"),
    }
    for name, (device, profile_id, reason) in attempts.items():
        changes = {"session_token": device.session_token, "profile_id": profile_id, "profile_name": ""}
        refused = await failure(world.members.AcceptInvitation(member_world.acceptance(device, token, ben, **changes)))
        assert refused.reason == reason, name
    half = member_world.acceptance(phone, token, ben, session_token=phone.session_token)
    assert (await failure(world.members.AcceptInvitation(half))).fields == ("profile_id",)


async def test_a_stranger_with_the_link_and_another_address_gets_nothing(home: Household, world: World) -> None:
    ben, mallory = member_world.person(), member_world.person("Mallory")
    await member_world.invite(home, ben.email)
    token = await member_world.token_of(world, ben.email)
    device = world.device("Mallory's TV", THIRD_PLACE)
    refused = await failure(world.members.AcceptInvitation(member_world.acceptance(device, token, mallory)))
    unknown = await failure(
        world.members.AcceptInvitation(member_world.acceptance(device, f"hgi1.{uuid4().hex}.{'A' * 43}", mallory))
    )
    assert refused == unknown, "an open invitation looks like none"
    assert refused.reason == "NOT_FOUND"
    begun = await world.members.AcceptInvitation(member_world.acceptance(device, token, ben))
    request = account_pb.CompleteSignUpRequest(
        request_id=str(uuid4()), sign_up_id=begun.sign_up_id, code="000000", client=device.context()
    )
    assert (await failure(world.accounts.CompleteSignUp(request))).reason == "CREDENTIALS_REJECTED"


async def test_an_invitation_is_used_once_and_a_lost_answer_costs_nothing(home: Household, world: World) -> None:
    ben = member_world.person()
    request_id = str(uuid4())
    first = await member_world.invite(home, ben.email, request_id=request_id)
    assert await member_world.invite(home, ben.email, request_id=request_id) == first
    token = await member_world.token_of(world, ben.email)
    tv = world.device("Ben's TV", ELSEWHERE)
    begun = await world.members.AcceptInvitation(member_world.acceptance(tv, token, ben))
    code = await world.code(ben.email)
    request = account_pb.CompleteSignUpRequest(
        request_id=str(uuid4()), sign_up_id=begun.sign_up_id, code=code, client=tv.context()
    )
    answers = [await world.accounts.CompleteSignUp(request) for _ in range(2)]
    assert answers[0].account_id == answers[1].account_id
    again = member_world.acceptance(tv, token, ben)
    assert (await failure(world.members.AcceptInvitation(again))).reason == "NOT_FOUND"
    mails = [each for each in world.inbox.mails if INVITED in each.subject]
    assert len(mails) == 1, "a repeated invitation mails once"


async def test_a_taken_address_is_answered_alike_and_its_owner_hears_of_it(home: Household, world: World) -> None:
    other = await world.household(name="Olga")
    await member_world.invite(home, other.owner.email)
    token = await member_world.token_of(world, other.owner.email)
    device = world.device("Somebody's TV", THIRD_PLACE)
    begun = await world.members.AcceptInvitation(member_world.acceptance(device, token, other.owner))
    assert begun.sign_up_id
    await world.mail(other.owner.email, "already have an account")


async def test_a_cancelled_invitation_opens_nothing_and_strangers_cancel_none(home: Household, world: World) -> None:
    ben = member_world.person()
    member = await member_world.invite(home, ben.email)
    token = await member_world.token_of(world, ben.email)
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    other = await world.household(name="Olga")
    for device, reason in ((friend, "DEVICE_NOT_TRUSTED"), (other.tv, "NOT_FOUND")):
        request = pb.CancelInvitationRequest(**asked_by(device), member_id=member.member_id)
        assert (await failure(world.members.CancelInvitation(request))).reason == reason
    request = pb.CancelInvitationRequest(**asked_by(home.tv), member_id=member.member_id)
    assert (await world.members.CancelInvitation(request)).member.state == pb.MEMBER_STATE_REMOVED
    device = world.device("Ben's TV", ELSEWHERE)
    assert (
        await failure(world.members.AcceptInvitation(member_world.acceptance(device, token, ben)))
    ).reason == "NOT_FOUND"
    assert not (await member_world.list_members(home)).members


async def test_the_plan_bounds_how_many_are_invited_also_at_once(home: Household, world: World) -> None:
    attempts = (member_world.invite(home, member_world.person(f"Guest{number}").email) for number in range(6))
    answers = await asyncio.gather(*(_outcome(attempt) for attempt in attempts))
    assert sorted(answers) == ["", "", *["LIMIT_EXCEEDED"] * 4]
    basic = await world.household("basic", name="Olga")
    assert (await failure(member_world.invite(basic, member_world.person().email))).reason == "LIMIT_EXCEEDED"


async def test_a_device_that_is_not_of_the_household_does_nothing_with_members(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = asked_by(friend)
    calls = (
        member_world.invite(home, member_world.person().email, friend),
        member_world.list_members(home, friend),
        world.members.RemoveMember(pb.RemoveMemberRequest(**asked, member_id=str(uuid4()))),
        world.members.RejoinMembership(pb.RejoinMembershipRequest(**asked, invitation_token="x")),
    )
    for attempt in calls:
        assert (await failure(attempt)).reason == "DEVICE_NOT_TRUSTED"


async def test_a_removed_member_stops_at_once_is_told_and_plays_again_on_an_own_plan(
    home: Household, world: World
) -> None:
    member, tv, ben, account_id = await member_world.member(home, world)
    stream = (await tv.play("film")).stream
    removed = await member_world.remove(home, member.member_id)
    assert (removed.member.state, removed.ended_stream_count) == (pb.MEMBER_STATE_REMOVED, 1)
    await world.mail(ben.email, "no longer an extra member")
    for refused in (await tv.play("film"), await tv.renew(stream)):
        assert (refused.outcome, refused.reasons[0].code) == (DENIED, decision_pb.REASON_CODE_MEMBERSHIP_ENDED)
        assert [each.code for each in refused.remedies] == [decision_pb.REMEDY_CODE_CHOOSE_PLAN]
        assert refused.remedies[0].text
    assert not (await member_world.list_members(home)).members
    await home.set_plan("basic", account_id)
    played = await tv.play("film")
    assert played.outcome == decision_pb.OUTCOME_ALLOWED
    again = await member_world.remove(home, member.member_id)
    assert again.ended_stream_count == 0, "what runs on an own plan is not the former host's to end"
    assert (await tv.renew(played.stream)).outcome == decision_pb.OUTCOME_ALLOWED


@pytest.mark.parametrize("state", [identity_pb.ACCOUNT_STATE_ON_HOLD, identity_pb.ACCOUNT_STATE_CLOSED])
async def test_a_member_plays_nothing_while_the_host_is_not_in_good_order(
    home: Household, world: World, state: identity_pb.AccountState.ValueType
) -> None:
    _, tv, _, _ = await member_world.member(home, world)
    stream = (await tv.play("film")).stream
    await home.set_state(state)
    for refused in (await tv.renew(stream), await tv.play("film")):
        assert (refused.outcome, refused.reasons[0].code) == (DENIED, decision_pb.REASON_CODE_ACCOUNT_ON_HOLD)
        codes = [each.code for each in refused.remedies]
        assert codes == [decision_pb.REMEDY_CODE_CONTACT_OWNER, decision_pb.REMEDY_CODE_CHOOSE_PLAN]
    await home.set_state(identity_pb.ACCOUNT_STATE_ACTIVE)
    assert (await tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_former_member_rejoins_with_the_account_that_is_there(home: Household, world: World) -> None:
    member, tv, ben, _ = await member_world.member(home, world)
    await member_world.remove(home, member.member_id)
    world.clock.advance(timedelta(hours=1))
    await member_world.invite(home, ben.email)
    request = pb.RejoinMembershipRequest(**asked_by(tv), invitation_token=await member_world.token_of(world, ben.email))
    await world.members.RejoinMembership(request)
    assert (await tv.play("film")).outcome == decision_pb.OUTCOME_ALLOWED


async def test_a_refused_viewer_is_offered_membership_while_a_slot_is_free_and_can_ask_for_it(
    home: Household, world: World
) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    offered = decision_pb.REMEDY_CODE_BECOME_EXTRA_MEMBER
    assert offered in {each.code for each in (await friend.play("film")).remedies}
    await friend.verify_later()
    world.clock.advance(timedelta(days=7))
    await friend.sign_in(home.owner)
    past = await friend.play("film")
    assert past.reasons[0].code == decision_pb.REASON_CODE_DEADLINE_PASSED
    assert offered in {each.code for each in past.remedies}
    request = pb.RequestMembershipRequest(**asked_by(friend))
    for _ in range(2):
        await world.members.RequestMembership(request)
    assert "Friend" in await world.mail(home.owner.email, "asks to be an extra member")
    assert len([each for each in world.inbox.mails if "asks to be an extra member" in each.subject]) == 1
    await home.tv.sign_in(home.owner)
    for name in ("Ben", "Carol"):
        await member_world.invite(home, member_world.person(name).email)
    assert offered not in {each.code for each in (await friend.play("film")).remedies}
    assert (await failure(world.members.RequestMembership(request))).reason == "STATE_CONFLICT"


async def test_the_household_itself_does_not_ask_for_membership(home: Household, world: World) -> None:
    request = pb.RequestMembershipRequest(**asked_by(home.tv))
    assert (await failure(world.members.RequestMembership(request))).reason == "STATE_CONFLICT"


@pytest.mark.parametrize(
    ("field", "value"), [("email", "ben at home"), ("email", ""), ("request_id", "7"), ("session_token", "")]
)
async def test_an_invitation_names_the_field_that_is_wrong(home: Household, field: str, value: str) -> None:
    changes: dict[str, Any] = {"email": member_world.person().email} | {field: value}
    refused: Failure = await failure(member_world.invite(home, **changes))
    assert (refused.reason, refused.fields) == ("INVALID_FIELD", (field,))


async def _outcome(awaitable: Any) -> str:
    try:
        await awaitable
    except grpc.aio.AioRpcError:
        return "LIMIT_EXCEEDED"
    return ""

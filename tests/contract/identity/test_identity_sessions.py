"""Sessions: opening, resolving, refreshing, lifting, ending, running out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import SigningKey
from services.identity.access_tokens import AccessTokens
from services.identity.domain.session import Session, SessionState, TokenLife, issue_tokens
from tests.contract.identity.identity_world import World, new_id, refused

LIVE = (pb.SESSION_STATE_LIVE, pb.SESSION_END_REASON_UNSPECIFIED)
SESSION_TOKEN, REFRESH_TOKEN = timedelta(minutes=5), timedelta(days=30)


def ended(reason: int) -> tuple[int, int]:
    """What a session that is over looks like."""
    return pb.SESSION_STATE_ENDED, reason


async def test_a_session_resolves_to_its_account_and_profiles(world: World) -> None:
    account_id = await world.active()
    await world.profile(account_id, "Bea")
    opened = await world.open(account_id)
    resolved = await world.resolve(opened.tokens)
    assert resolved.session == opened.session
    assert (resolved.session.device_id, resolved.session.state) == ("tv", pb.SESSION_STATE_LIVE)
    assert resolved.account.plan.plan_id == "standard"
    assert [profile.name for profile in resolved.profiles] == ["Ada", "Bea"]


async def test_tokens_of_a_device_without_a_key_run_five_minutes_and_thirty_days(world: World) -> None:
    tokens = (await world.open(await world.active())).tokens
    now = world.clock.now().replace(tzinfo=None)
    assert tokens.session_expire_time.ToDatetime() - now == SESSION_TOKEN
    assert tokens.refresh_expire_time.ToDatetime() - now == REFRESH_TOKEN


async def test_a_token_that_was_never_given_is_unknown(world: World) -> None:
    opened = await world.open(await world.active())
    strangers = AccessTokens([SigningKey.generate()])
    session_id, account_id = UUID(opened.session.session_id), UUID(opened.session.account_id)
    now = world.clock.now()
    session = Session(
        session_id=session_id,
        account_id=account_id,
        device_id="tv",
        state=SessionState.LIVE,
        create_time=now,
        refresh_expire_time=now + REFRESH_TOKEN,
    )
    life = TokenLife(session_token=SESSION_TOKEN, refresh_token=REFRESH_TOKEN)
    forged = strangers.encode(session, issue_tokens(account_id, now=now, life=life))
    for token in ("x", "a.b.c", forged, opened.tokens.refresh_token):
        with refused(ErrorReason.SESSION_UNKNOWN):
            await world.say("ResolveSession", pb.ResolveSessionRequest(session_token=token))


async def test_the_same_request_id_gives_the_same_session_with_fresh_tokens(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    first = await world.open(account_id, request_id=request_id)
    second = await world.open(account_id, request_id=request_id)
    assert second.session == first.session
    assert second.tokens.session_token != first.tokens.session_token
    assert await world.fate(second.tokens) == LIVE
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(first.tokens)


async def test_sign_ins_that_arrive_together_with_one_request_id_open_one_session(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    answers = await asyncio.gather(*(world.open(account_id, request_id=request_id) for _ in range(8)))
    assert len({answer.session.session_id for answer in answers}) == 1
    assert await world.identity.database.fetch_value("select count(*) from session") == 1


@pytest.mark.parametrize("other", [{"device_id": "phone"}, {"restricted": True}], ids=lambda other: next(iter(other)))
async def test_a_request_id_used_again_with_another_body_is_an_error(world: World, other: dict[str, str]) -> None:
    account_id, request_id = await world.active(), new_id()
    await world.open(account_id, request_id=request_id)
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await world.open(account_id, request_id=request_id, **other)


async def test_a_late_repeat_does_not_revive_a_session_that_is_over(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    await world.open(account_id, request_id=request_id)
    newer = await world.open(account_id)
    late = await world.open(account_id, request_id=request_id)
    assert late.session.state == pb.SESSION_STATE_ENDED
    assert not late.HasField("tokens")
    assert await world.fate(newer.tokens) == LIVE


async def test_signing_in_again_supersedes_the_devices_earlier_session(world: World) -> None:
    account_id = await world.active()
    first, phone = await world.open(account_id), await world.open(account_id, "phone")
    second = await world.open(account_id)
    assert await world.fate(first.tokens) == ended(pb.SESSION_END_REASON_SUPERSEDED)
    assert await world.fate(phone.tokens) == LIVE
    assert await world.fate(second.tokens) == LIVE


async def test_of_many_sign_ins_of_a_device_at_once_one_session_stays(world: World) -> None:
    account_id = await world.active()
    await asyncio.gather(*(world.open(account_id) for _ in range(8)))
    sql = "select count(*) from session where state <> 'ENDED'"
    assert await world.identity.database.fetch_value(sql) == 1


async def test_no_session_is_opened_for_an_unknown_or_pending_account(world: World) -> None:
    for account_id in (new_id(), (await world.create()).account_id):
        with refused(ErrorReason.NOT_FOUND):
            await world.open(account_id)


@pytest.mark.parametrize("device_id", ["", "a b", "d" * 129])
async def test_a_bad_device_id_is_named(world: World, device_id: str) -> None:
    with refused(ErrorReason.INVALID_FIELD, "device_id"):
        await world.open(new_id(), device_id)


async def test_a_session_token_runs_out_by_the_clock_and_a_refresh_token_outlives_it(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id)
    world.clock.advance(SESSION_TOKEN - timedelta(seconds=1))
    assert await world.fate(opened.tokens) == LIVE
    world.clock.advance(timedelta(seconds=1))
    assert await world.fate(opened.tokens) == ended(pb.SESSION_END_REASON_EXPIRED)
    refreshed = await world.refresh(opened.tokens)
    assert refreshed.session.session_id == opened.session.session_id
    assert await world.fate(refreshed.tokens) == LIVE


async def test_a_refresh_token_runs_out(world: World) -> None:
    opened = await world.open(await world.active())
    world.clock.advance(REFRESH_TOKEN)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(opened.tokens)


async def test_after_a_refresh_the_old_session_token_runs_out_in_its_own_time(world: World) -> None:
    """A stream that is renewed beside the exchange is not refused for it."""
    opened = await world.open(await world.active())
    world.clock.advance(SESSION_TOKEN / 2)
    refreshed = await world.refresh(opened.tokens)
    assert await world.fate(refreshed.tokens) == await world.fate(opened.tokens) == LIVE
    world.clock.advance(SESSION_TOKEN / 2)
    assert await world.fate(opened.tokens) == ended(pb.SESSION_END_REASON_EXPIRED)
    assert await world.fate(refreshed.tokens) == LIVE


async def test_a_refresh_token_that_comes_twice_ends_its_session(world: World) -> None:
    opened = await world.open(await world.active())
    second = await world.refresh(opened.tokens)
    third = await world.refresh(second.tokens)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(opened.tokens)
    assert await world.fate(third.tokens) == ended(pb.SESSION_END_REASON_TOKEN_REUSED)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(third.tokens)


async def test_of_many_uses_of_a_refresh_token_at_once_at_most_one_is_answered_and_the_session_ends(
    world: World,
) -> None:
    opened = await world.open(await world.active())
    answers = await asyncio.gather(*(world.refresh(opened.tokens) for _ in range(8)), return_exceptions=True)
    given = [answer for answer in answers if not isinstance(answer, BaseException)]
    errors = [answer.reason for answer in answers if isinstance(answer, ServiceError)]
    assert errors == [ErrorReason.SESSION_UNKNOWN] * 7
    assert await world.fate(given[0].tokens) == ended(pb.SESSION_END_REASON_TOKEN_REUSED)


async def test_a_refresh_token_on_another_device_is_unknown_and_not_spent(world: World) -> None:
    opened = await world.open(await world.active())
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(opened.tokens, "phone")
    assert (await world.refresh(opened.tokens)).session.state == pb.SESSION_STATE_LIVE


@pytest.mark.parametrize("token", ["x", "hgr1." + "0" * 32 + "." + "A" * 43])
async def test_a_refresh_token_that_was_never_given_is_unknown(world: World, token: str) -> None:
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(pb.SessionTokens(refresh_token=token))


async def test_a_restricted_session_becomes_live_and_lifting_twice_is_harmless(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id, restricted=True)
    assert opened.session.state == pb.SESSION_STATE_RESTRICTED
    assert (await world.refresh(opened.tokens)).session.state == pb.SESSION_STATE_RESTRICTED
    request = pb.LiftRestrictionRequest(account_id=account_id, session_id=opened.session.session_id)
    for _ in range(2):
        assert (await world.say("LiftRestriction", request)).session.state == pb.SESSION_STATE_LIVE


async def test_no_restriction_is_lifted_from_a_session_that_is_over_or_anothers(world: World) -> None:
    account_id, other = await world.active(), await world.active(email="bob@example.com")
    session_id = (await world.open(account_id, restricted=True)).session.session_id
    await world.end(account_id, session_id=session_id)
    foreign = (await world.open(other, restricted=True)).session.session_id
    for each in (session_id, foreign, new_id()):
        with refused(ErrorReason.NOT_FOUND):
            request = pb.LiftRestrictionRequest(account_id=account_id, session_id=each)
            await world.say("LiftRestriction", request)


async def test_sessions_end_one_by_one_by_device_or_all_but_one(world: World) -> None:
    account_id = await world.active()
    tv, phone, tablet, laptop = [await world.open(account_id, name) for name in ("tv", "phone", "tablet", "laptop")]
    assert await world.end(account_id, session_id=tv.session.session_id) == 1
    assert await world.end(account_id, pb.SESSION_END_REASON_DEVICE_REVOKED, device_id="phone") == 1
    everywhere = pb.SESSION_END_REASON_SIGNED_OUT_EVERYWHERE
    stays = laptop.session.session_id
    assert await world.end(account_id, everywhere, all=True, except_session_id=stays) == 1
    assert await world.fate(tv.tokens) == ended(pb.SESSION_END_REASON_SIGNED_OUT)
    assert await world.fate(phone.tokens) == ended(pb.SESSION_END_REASON_DEVICE_REVOKED)
    assert await world.fate(tablet.tokens) == ended(everywhere)
    assert await world.fate(laptop.tokens) == LIVE


async def test_ending_twice_keeps_the_first_reason_and_counts_nothing(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id)
    assert await world.end(account_id, all=True) == 1
    assert await world.end(account_id, pb.SESSION_END_REASON_DEVICE_REVOKED, all=True) == 0
    assert await world.fate(opened.tokens) == ended(pb.SESSION_END_REASON_SIGNED_OUT)
    assert await world.end(new_id(), all=True) == 0


async def test_an_ended_session_is_not_refreshed(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id)
    await world.end(account_id, all=True)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(opened.tokens)


async def test_ending_needs_a_reason_and_a_choice(world: World) -> None:
    with refused(ErrorReason.INVALID_FIELD, "reason"):
        await world.end(new_id(), pb.SESSION_END_REASON_UNSPECIFIED, all=True)
    with refused(ErrorReason.INVALID_FIELD, "which"):
        await world.end(new_id())


async def test_another_accounts_session_is_out_of_reach(world: World) -> None:
    one, other = await world.active(), await world.active(email="bob@example.com")
    opened = await world.open(one)
    assert await world.end(other, session_id=opened.session.session_id) == 0
    assert await world.fate(opened.tokens) == LIVE

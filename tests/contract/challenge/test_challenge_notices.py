"""Notices: what an owner is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.challenge.challenge_world import EMAIL, OWNER, PHONE, TEXT, TRUSTED_DEVICE, World, requester

TOKEN = "hgi1.0000.opens-the-invitation"
_KINDS = [value for value in pb.NoticeKind.values() if value]


def notice(world: World, **changes: Any) -> pb.NotifyRequest:
    """A notice of a new sign-in by email, with changes."""
    happened, due = Timestamp(), Timestamp()
    happened.FromDatetime(datetime(2030, 1, 1, 12, 30, tzinfo=UTC))
    due.FromDatetime(datetime(2030, 1, 8, 18, 0, tzinfo=UTC))
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "account_id": str(world.account),
        "kind": pb.NOTICE_KIND_NEW_SIGN_IN,
        "channel": EMAIL,
        "destination": OWNER,
        "requester": requester(),
        "event_time": happened,
        "due_time": due,
    }
    if changes.get("kind") == pb.NOTICE_KIND_MEMBER_INVITED:
        fields["invitation_token"] = TOKEN
    return pb.NotifyRequest(**(fields | changes))


@pytest.mark.parametrize("kind", _KINDS, ids=pb.NoticeKind.Name)
async def test_each_notice_arrives_by_mail_and_by_text(world: World, kind: pb.NoticeKind.ValueType) -> None:
    answer = await call(world.gateway.Notify, notice(world, kind=kind))
    await call(world.gateway.Notify, notice(world, kind=kind, channel=TEXT, destination=PHONE))
    assert answer.delivery.state == pb.DELIVERY_STATE_QUEUED
    mail = await world.inbox.wait_for(OWNER)
    text = await world.smsc.wait_for(PHONE)
    assert mail.message_id.strip("<>") == f"{answer.delivery.delivery_id}@hearthgate.example"
    assert mail.subject
    assert "hearthgate.example" in mail.text
    assert "#" not in text.text
    assert (text.data_coding, text.parts) == (0, 1)


async def test_a_notice_tells_the_device_the_country_and_the_time_in_the_readers_way(world: World) -> None:
    await call(world.gateway.Notify, notice(world, language="en-GB", kind=pb.NOTICE_KIND_DEADLINE_COMING))
    mail = await world.inbox.wait_for(OWNER)
    for part in (mail.text, mail.html):
        for phrase in ("Living room", "Spain", "1 January 2030, 12:30 UTC", "8 January 2030, 18:00 UTC"):
            assert phrase in part


async def test_a_language_without_templates_is_written_in_english(world: World) -> None:
    await call(world.gateway.Notify, notice(world, language="tlh"))
    assert (await world.inbox.wait_for(OWNER)).subject == "A new device signed in"


async def test_a_repeated_notice_is_sent_once_and_another_body_is_an_error(world: World) -> None:
    request = notice(world)
    answers = [await call(world.gateway.Notify, request) for _ in range(2)]
    assert len({each.delivery.delivery_id for each in answers}) == 1
    assert await world.database.fetch_value("select count(*) from delivery") == 1
    request.kind = pb.NOTICE_KIND_PASSWORD_CHANGED
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.Notify, request)
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_notices_that_strangers_cause_are_counted_like_codes_to_the_same_address(world: World) -> None:
    for _ in range(5):
        await call(world.gateway.Notify, notice(world, kind=pb.NOTICE_KIND_ACCOUNT_EXISTS))
    with pytest.raises(ServiceError) as taken:
        await call(world.gateway.Notify, notice(world, kind=pb.NOTICE_KIND_ACCOUNT_EXISTS))
    for _ in range(5):
        await world.create(account_id=str(uuid4()), purpose=pb.CHALLENGE_PURPOSE_SIGN_UP, destination="free@x.example")
    with pytest.raises(ServiceError) as free:
        await world.create(account_id=str(uuid4()), purpose=pb.CHALLENGE_PURPOSE_SIGN_UP, destination="free@x.example")
    assert (taken.value.reason, taken.value.retry_after) == (ErrorReason.LIMIT_EXCEEDED, timedelta(minutes=10))
    assert (taken.value.reason, taken.value.retry_after) == (free.value.reason, free.value.retry_after)
    assert taken.value.metadata == free.value.metadata
    await call(world.gateway.Notify, notice(world))


async def test_a_device_name_that_looks_like_a_link_or_markup_harms_nobody(world: World) -> None:
    await call(world.gateway.Notify, notice(world, requester=requester(name="call evil.example now")))
    await call(world.gateway.Notify, notice(world, requester=requester(name="<b>Living</b>\r\nroom\u202e")))
    for position in range(2):
        mail = await world.inbox.wait_for(OWNER, since=position)
        for part in (mail.text, mail.html):
            assert "evil.example" not in part
            assert "\u202e" not in part
        assert "<b>Living" not in mail.html


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": TRUSTED_DEVICE}, "channel"),
        ({"kind": 0}, "kind"),
        ({"event_time": None}, "event_time"),
        ({"event_time": Timestamp(seconds=-(1 << 40))}, "event_time"),
        ({"destination": "olive\n@mailbox.example"}, "destination"),
        ({"requester": None}, "requester"),
        ({"kind": pb.NOTICE_KIND_DEADLINE_COMING, "due_time": None}, "due_time"),
    ],
)
async def test_bad_input_names_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.Notify, notice(world, **changes))
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert field in [each.field for each in caught.value.fields]


_TOKEN = "a-token_of-an-owner-1"


async def test_a_mail_carries_the_owners_link_and_a_text_does_not(world: World) -> None:
    await call(world.gateway.Notify, notice(world, disown_token=_TOKEN))
    await call(world.gateway.Notify, notice(world, disown_token=_TOKEN, channel=TEXT, destination=PHONE))
    mail = await world.inbox.wait_for(OWNER)
    for part in (mail.text, mail.html):
        assert f"https://www.example.com/not-me#{_TOKEN}" in part
        assert "It wasn’t you? Say so here" in part
    assert _TOKEN not in (await world.smsc.wait_for(PHONE)).text


@pytest.mark.parametrize("kind", _KINDS, ids=pb.NoticeKind.Name)
async def test_without_a_token_a_mail_says_what_else_to_do(world: World, kind: pb.NoticeKind.ValueType) -> None:
    await call(world.gateway.Notify, notice(world, kind=kind))
    assert "not-me#" not in (await world.inbox.wait_for(OWNER)).text


async def test_the_token_is_kept_sealed_while_the_mail_waits_and_not_at_all_once_it_was_sent(world: World) -> None:
    world.inbox.reply_next("451 later", times=1)
    await call(world.gateway.Notify, notice(world, disown_token=_TOKEN))
    rows = await world.database.fetch("select d::text as whole from delivery d")
    assert "sealed_disown_token" in rows[0]["whole"]
    assert _TOKEN not in rows[0]["whole"]
    async with asyncio.timeout(10):
        while not await world.database.fetch_value("select last_failure <> '' from delivery"):
            pass
    world.clock.advance(timedelta(minutes=2))
    mail = await world.inbox.wait_for(OWNER)
    assert _TOKEN in mail.text, "also at the second attempt"
    async with asyncio.timeout(10):
        while await world.database.fetch_value("select parameters ? 'sealed_disown_token' from delivery"):
            pass


@pytest.mark.parametrize("token", ["a b", "x" * 1025, "<script>"])
async def test_a_token_that_is_none_is_refused_by_its_field(world: World, token: str) -> None:
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.Notify, notice(world, disown_token=token))
    assert [each.field for each in caught.value.fields][:1] == ["disown_token"]


async def test_an_invitations_link_stands_in_the_mail_and_is_sealed_until_then(world: World) -> None:
    request = notice(world, kind=pb.NOTICE_KIND_MEMBER_INVITED, language="en-GB")
    request.ClearField("requester")
    await call(world.gateway.Notify, request)
    mail = await world.inbox.wait_for(OWNER)
    for part in (mail.text, mail.html):
        assert f"hearthgate.example/account/join#{TOKEN}" in part
    assert "8 January 2030" in mail.text, "until when it may be accepted"
    assert "Living room" not in mail.text, "the household's device is not shown to whoever was invited"
    kept = await world.database.fetch("select to_jsonb(d)::text from delivery d")
    assert kept
    assert all(TOKEN not in row[0] for row in kept)


@pytest.mark.parametrize(
    ("kind", "token"), [(pb.NOTICE_KIND_MEMBER_INVITED, ""), (pb.NOTICE_KIND_NEW_SIGN_IN, TOKEN)], ids=["lacks", "has"]
)
async def test_an_invitation_has_a_token_and_no_other_notice_has_one(
    world: World, kind: pb.NoticeKind.ValueType, token: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        await call(world.gateway.Notify, notice(world, kind=kind, invitation_token=token))
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert [each.field for each in caught.value.fields] == ["invitation_token"]

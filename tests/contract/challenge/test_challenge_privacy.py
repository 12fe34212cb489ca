"""PrivacyService of the challenge service: what is held is listed, told without codes, and deleted for good."""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hearthgate.challenge.v1 import challenge_service_pb2 as pb
from hearthgate.common.v1 import standing_pb2
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge.storage.privacy import HOLDINGS
from services.challenge.storage.provider_messages import ProviderMessageStore
from services.challenge.storage.suppressions import SuppressionStore
from services.challenge.use_cases.erase_account import erase_account
from services.challenge.use_cases.export_account import export_account
from tests.contract.challenge.challenge_world import OWNER, World, wrong
from tests.contract.holdings import unknown_tables, unlisted


async def test_every_column_that_names_an_account_is_in_the_list_of_what_is_held(world: World) -> None:
    assert await unlisted(world.database, HOLDINGS, {}) == set()
    assert await unknown_tables(world.database, HOLDINGS) == set()


async def test_which_codes_were_sent_when_and_where_is_told_and_no_code(world: World) -> None:
    challenge = await world.create()
    code = await world.code_of(challenge)
    await world.verify(challenge, wrong(code))
    hashed = world.replica.parts.context.keys.destination_hash(OWNER.casefold())
    suppressions = SuppressionStore(world.database)
    await suppressions.unsubscribe(hashed, "new_sign_in", world.clock.now(), timedelta(days=400))
    told = await _told(world)
    asked = told["codes_and_questions"][0]
    assert (asked["purpose"], asked["channel"], asked["attempts_left"]) == ("confirm_household", "email", 4)
    assert "•••" in asked["masked_destination"]
    assert told["messages"][0]["kind"] == "code_confirm_household"
    assert told["wrong_codes"][0]["consecutive_failures"] == 1
    assert [each["kind"] for each in told["unsubscriptions"]] == ["new_sign_in"]
    for secret in (code, OWNER):
        assert secret not in json.dumps(told)


async def test_what_is_asked_for_an_erased_account_is_refused_and_charges_nobody(world: World) -> None:
    challenge = await world.create()
    erased = await erase_account(world.account, [OWNER], context=world.replica.parts.context)
    assert erased.complete
    assert erased.counts["codes_and_questions"] == erased.counts["sends_by_address"] == 1
    attempts = [
        world.create(),
        world.verify(challenge, "123456"),
        call(world.gateway.Notify, _notice(world)),
    ]
    for attempt in attempts:
        assert await _reason(attempt) is ErrorReason.NOT_FOUND
    for table in (
        "challenge",
        "delivery",
        "request",
        "failure_budget",
        "account_send_window",
        "destination_send_window",
    ):
        assert await world.database.fetch_value(f"select count(*) from {table}") == 0, table  # noqa: S608


async def test_of_other_people_the_limits_go_and_what_they_chose_stays(world: World) -> None:
    context = world.replica.parts.context
    suppressions, now = SuppressionStore(world.database), world.clock.now()
    approver = "carl@example.org"
    for address in (OWNER, approver):
        hashed = context.keys.destination_hash(address)
        await suppressions.unsubscribe(hashed, "new_sign_in", now, timedelta(days=400))
        window = "insert into destination_send_window values ($1, array[$2::timestamptz], $2)"
        await world.database.execute(window, hashed, now)
    await erase_account(world.account, [OWNER], [approver], context=context)
    assert await world.database.fetch_value("select count(*) from destination_send_window") == 0
    left = await world.database.fetch("select destination_hash from suppression")
    assert [row["destination_hash"] for row in left] == [context.keys.destination_hash(approver)]


async def test_where_an_accounts_codes_went_is_forgotten_though_nobody_names_it_any_more(world: World) -> None:
    """An approver who was removed, a number that was never proved: the code that went there knows its hash."""
    await world.create()
    assert await world.database.fetch_value("select count(*) from destination_send_window") == 1
    await erase_account(world.account, [], context=world.replica.parts.context)
    assert await world.database.fetch_value("select count(*) from destination_send_window") == 0


async def test_a_text_that_is_taken_after_the_erasure_leaves_no_trace(world: World) -> None:
    messages, now = ProviderMessageStore(world.database), world.clock.now()
    await erase_account(world.account, [], context=world.replica.parts.context)
    assert await messages.mark(b"r" * 32, world.account, uuid4(), now) is None
    await messages.mark(b"o" * 32, uuid4(), uuid4(), now)
    kept = await world.database.fetch("select account_id from provider_message")
    assert [row["account_id"] == world.account for row in kept] == [False]


def _notice(world: World) -> pb.NotifyRequest:
    request = pb.NotifyRequest(
        request_id=str(uuid4()),
        account_id=str(world.account),
        kind=pb.NOTICE_KIND_PASSWORD_CHANGED,
        channel=standing_pb2.CHANNEL_EMAIL,
        destination=OWNER,
    )
    request.event_time.FromDatetime(world.clock.now())
    return request


async def _reason(awaitable: Any) -> ErrorReason | None:
    try:
        await awaitable
    except ServiceError as error:
        return error.reason
    return None


async def _told(world: World) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    async with aclosing(export_account(world.account, [OWNER], context=world.replica.parts.context)) as chunks:
        async for chunk in chunks:
            for each in chunk:
                told.setdefault(each.kind, []).append(json.loads(each.json))
    return told

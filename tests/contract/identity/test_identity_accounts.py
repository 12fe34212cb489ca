"""Accounts: sign-up, activation, sign-in, contacts, plans, states."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.identity.identity_world import EMAIL, PASSWORD, PHONE, World, new_id, refused


async def test_a_new_account_is_pending_with_the_default_plan_and_its_owners_profile(world: World) -> None:
    created = await world.create(email="Ada@EXAMPLE.com")
    answer = await world.say("GetAccount", pb.GetAccountRequest(account_id=created.account_id))
    assert not created.email_taken
    assert created.email == "Ada@example.com"
    assert answer.account.state == pb.ACCOUNT_STATE_PENDING
    assert answer.account.language == "en"
    plan = answer.account.plan
    assert (plan.plan_id, plan.max_streams, plan.max_download_devices, plan.extra_member_slots) == ("standard", 2, 2, 1)
    assert [(each.name, each.primary, each.maturity_age) for each in answer.profiles] == [("Ada", True, 18)]


async def test_the_same_request_id_gives_the_same_account(world: World) -> None:
    request_id = new_id()
    first, second = await world.create(request_id=request_id), await world.create(request_id=request_id)
    assert second == first


async def test_sign_ups_that_arrive_together_with_one_request_id_make_one_account(world: World) -> None:
    request_id = new_id()
    answers = await asyncio.gather(*(world.create(request_id=request_id) for _ in range(8)))
    assert len({answer.account_id for answer in answers}) == 1
    assert await world.identity.database.fetch_value("select count(*) from account") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"email": "bob@example.com"},
        {"password": "another private phrase"},
        {"phone": PHONE},
        {"country_code": "FR"},
        {"profile_name": "Bob"},
        {"plan_id": "basic"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_request_id_used_again_with_another_body_is_an_error(world: World, other: dict[str, str]) -> None:
    request_id = new_id()
    await world.create(request_id=request_id)
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await world.create(request_id=request_id, **other)


async def test_a_late_repeat_after_a_change_of_password_still_gives_the_same_account(world: World) -> None:
    request_id = new_id()
    account_id = await world.active(request_id=request_id)
    world.clock.advance(timedelta(days=1))
    await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password="quite another phrase"))
    assert (await world.create(request_id=request_id)).account_id == account_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_id", "1"),
        ("email", "not an address"),
        ("email", "ada@"),
        ("email", "аda@example.com"),
        ("email", "a" * 300 + "@example.com"),
        ("phone", "0151 12345678"),
        ("phone", "+49"),
        ("phone", "+1" + "5" * 30),
        ("password", "short"),
        ("password", "p" * 257),
        ("password", "PasswordPassword"),
        ("password", "1234567890123456"),
        ("password", "zzzzzzzzzzzzzzzzzzzz"),
        ("country_code", "de"),
        ("language", "not a language"),
        ("profile_name", "n" * 41),
        ("profile_name", "   "),
        ("profile_name", "a\x00b"),
        ("profile_name", ""),
        ("plan_id", "gold"),
        ("profile_move.profile_id", None),
    ],
)
async def test_bad_input_names_its_field(world: World, field: str, value: str | None) -> None:
    fields = {field: value} if value is not None else {"profile_move": pb.ProfileMove(source_account_id=new_id())}
    with refused(ErrorReason.INVALID_FIELD, field):
        await world.create(**fields)


async def test_a_taken_address_is_told_to_the_caller_and_costs_the_same_work(world: World) -> None:
    await world.active()
    before = world.hasher.hashes
    second = await world.create(email="ADA@Example.com")
    assert second.email_taken
    assert world.hasher.hashes == before + 1
    with refused(ErrorReason.STATE_CONFLICT):
        await world.activate(second.account_id)
    contacts = await world.say("GetContacts", pb.GetContactsRequest(account_id=second.account_id))
    assert [contact.verified for contact in contacts.contacts] == [False]


async def test_of_two_pending_accounts_for_an_address_the_first_to_be_activated_has_it(world: World) -> None:
    first, second = await world.create(), await world.create(password="the second one's phrase")
    assert (await world.activate(second.account_id)).account.state == pb.ACCOUNT_STATE_ACTIVE
    with refused(ErrorReason.STATE_CONFLICT):
        await world.activate(first.account_id)
    assert (await world.authenticate(password="the second one's phrase")).account_id == second.account_id


async def test_of_many_activations_at_once_for_an_address_one_succeeds(world: World) -> None:
    created = [await world.create() for _ in range(8)]
    answers = await asyncio.gather(*(world.activate(each.account_id) for each in created), return_exceptions=True)
    errors = [answer.reason for answer in answers if isinstance(answer, ServiceError)]
    assert errors == [ErrorReason.STATE_CONFLICT] * 7
    sql = "select count(*) from account where state = 'ACTIVE'"
    assert await world.identity.database.fetch_value(sql) == 1


async def test_activating_again_is_harmless_and_an_unknown_account_is_not_found(world: World) -> None:
    created = await world.create()
    assert await world.activate(created.account_id) == await world.activate(created.account_id)
    with refused(ErrorReason.NOT_FOUND):
        await world.activate(new_id())


async def test_activation_tells_the_profile_that_is_to_move_in(world: World) -> None:
    move = pb.ProfileMove(source_account_id=new_id(), profile_id=new_id())
    created = await world.create(profile_name="", profile_move=move)
    activated = await world.activate(created.account_id)
    assert activated.profile_move == move
    assert not activated.profiles


async def test_the_right_password_gives_the_account_however_the_address_is_capitalised(world: World) -> None:
    account_id = await world.active()
    assert (await world.authenticate("ADA@example.COM")).account_id == account_id


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "no address at all"])
async def test_every_refused_sign_in_runs_one_verification_and_sounds_the_same(world: World, email: str) -> None:
    await world.active()
    before = world.hasher.verifications
    with pytest.raises(ServiceError) as caught:
        await world.authenticate(email, "not the right phrase")
    assert caught.value.reason is ErrorReason.CREDENTIALS_REJECTED
    assert (caught.value.fields, caught.value.metadata) == ((), {})
    assert world.hasher.verifications == before + 1


async def test_a_pending_account_counts_as_unknown(world: World) -> None:
    await world.create()
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate()
    assert (await world.say("FindAccount", pb.FindAccountRequest(email=EMAIL))).account_id == ""


async def test_a_closed_account_says_so_only_after_the_right_password(world: World) -> None:
    account_id = await world.active()
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    with refused(ErrorReason.STATE_CONFLICT):
        await world.authenticate()
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(password="not the right phrase")
    with refused(ErrorReason.NOT_FOUND):
        await world.open(account_id)


async def test_an_account_is_found_by_its_address_while_it_is_open(world: World) -> None:
    account_id = await world.active()
    request = pb.FindAccountRequest(email="Ada@example.com")
    assert (await world.say("FindAccount", request)).account_id == account_id
    await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)
    assert (await world.say("FindAccount", request)).account_id == ""
    assert (await world.say("FindAccount", pb.FindAccountRequest(email="nobody@example.com"))).account_id == ""
    with refused(ErrorReason.INVALID_FIELD, "email"):
        await world.say("FindAccount", pb.FindAccountRequest(email="nonsense"))


async def test_contacts_are_given_masked_or_whole_and_verified_is_honest(world: World) -> None:
    account_id = await world.active(phone="+49 151 12345678", language="de")
    whole = await world.say("GetContacts", pb.GetContactsRequest(account_id=account_id))
    email, text = whole.contacts
    assert (email.channel, email.destination, email.verified) == (standing_pb2.CHANNEL_EMAIL, EMAIL, True)
    assert (text.channel, text.destination, text.verified) == (standing_pb2.CHANNEL_TEXT, PHONE, False)
    assert (email.masked_destination, text.masked_destination) == ("a•••@e•••.com", "•••78")
    assert whole.language == "de"
    masked = await world.say("GetContacts", pb.GetContactsRequest(account_id=account_id, masked_only=True))
    assert [contact.destination for contact in masked.contacts] == ["", ""]
    with refused(ErrorReason.NOT_FOUND):
        await world.say("GetContacts", pb.GetContactsRequest(account_id=new_id()))


async def test_the_database_holds_no_address_number_password_or_token_in_the_clear(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    tokens = (await world.open(account_id)).tokens
    tables = await world.identity.database.fetch("select tablename from pg_tables where schemaname = 'public'")
    held = ""
    for table in tables:
        # One text for a whole row; bytea columns come as hex, so the secrets are looked for in that form as well.
        rows = await world.identity.database.fetch(f'select t::text as row from "{table["tablename"]}" t')  # noqa: S608
        held += "\n".join(row["row"] for row in rows)
    assert account_id in held
    for secret in (EMAIL, PHONE, PASSWORD, tokens.session_token.split(".")[2], tokens.refresh_token.split(".")[2]):
        assert secret not in held
        assert secret.encode().hex() not in held


async def test_a_new_password_ends_every_session_and_replaces_the_old_one(world: World) -> None:
    account_id = await world.active()
    opened = [await world.open(account_id, device) for device in ("tv", "phone")]
    request = pb.SetPasswordRequest(account_id=account_id, password="the new long phrase")
    assert (await world.say("SetPassword", request)).ended_count == 2
    for each in opened:
        ended = (pb.SESSION_STATE_ENDED, pb.SESSION_END_REASON_PASSWORD_CHANGED)
        assert await world.fate(each.tokens) == ended
    assert (await world.authenticate(password="the new long phrase")).account_id == account_id
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate()


async def test_a_password_is_not_set_for_nobody_or_to_a_breached_one(world: World) -> None:
    created = await world.create()
    for account_id in (new_id(), created.account_id):
        with refused(ErrorReason.NOT_FOUND):
            await world.say("SetPassword", pb.SetPasswordRequest(account_id=account_id, password=PASSWORD))
    with refused(ErrorReason.INVALID_FIELD, "password"):
        request = pb.SetPasswordRequest(account_id=created.account_id, password="qwertyuiopasdfgh")
        await world.say("SetPassword", request)


async def test_plans_are_listed_by_name(world: World) -> None:
    plans = (await world.say("ListPlans", pb.ListPlansRequest())).plans
    assert [(plan.plan_id, plan.max_streams) for plan in plans] == [("basic", 1), ("premium", 4), ("standard", 2)]


async def test_an_account_is_held_reopened_and_closed_with_its_sessions(world: World) -> None:
    account_id = await world.active()
    tokens = (await world.open(account_id)).tokens
    assert (await world.set_state(account_id, pb.ACCOUNT_STATE_ON_HOLD)).state == pb.ACCOUNT_STATE_ON_HOLD
    resolved = await world.resolve(tokens)
    assert (resolved.session.state, resolved.account.state) == (pb.SESSION_STATE_LIVE, pb.ACCOUNT_STATE_ON_HOLD)
    assert (await world.set_state(account_id, pb.ACCOUNT_STATE_ACTIVE)).state == pb.ACCOUNT_STATE_ACTIVE
    assert (await world.set_state(account_id, pb.ACCOUNT_STATE_CLOSED)).state == pb.ACCOUNT_STATE_CLOSED
    assert await world.fate(tokens) == (pb.SESSION_STATE_ENDED, pb.SESSION_END_REASON_ACCOUNT_CLOSED)


async def test_a_state_is_set_only_on_an_account_that_was_activated(world: World) -> None:
    with refused(ErrorReason.NOT_FOUND):
        await world.set_state(new_id(), pb.ACCOUNT_STATE_CLOSED)
    with refused(ErrorReason.STATE_CONFLICT):
        await world.set_state((await world.create()).account_id, pb.ACCOUNT_STATE_ACTIVE)
    with refused(ErrorReason.INVALID_FIELD, "state"):
        await world.set_state(new_id(), pb.ACCOUNT_STATE_PENDING)


@pytest.mark.parametrize(
    ("method", "request_type", "caller"),
    [
        ("GetContacts", pb.GetContactsRequest, "operator"),
        ("Authenticate", pb.AuthenticateRequest, "operator"),
        ("SetAccountState", pb.SetAccountStateRequest, "gateway"),
        ("GetAccount", pb.GetAccountRequest, "challenge"),
        ("ResolveSession", pb.ResolveSessionRequest, "challenge"),
    ],
)
async def test_a_caller_that_the_contract_does_not_name_is_refused(
    world: World, method: str, request_type: type, caller: str
) -> None:
    with refused(ErrorReason.CALLER_NOT_ALLOWED):
        await world.say(method, request_type(), caller=caller)


async def test_the_operator_reads_accounts(world: World) -> None:
    account_id = await world.active()
    answer = await world.say("GetAccount", pb.GetAccountRequest(account_id=account_id), caller="operator")
    assert answer.account.account_id == account_id
    with refused(ErrorReason.NOT_FOUND):
        await world.say("GetAccount", pb.GetAccountRequest(account_id=new_id()), caller="operator")

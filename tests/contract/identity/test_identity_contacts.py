"""ContactService of identity: nothing counts before it is proved, and an address belongs to one account."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.identity.v1 import contact_service_pb2 as pb
from hearthgate.identity.v1 import contact_service_pb2_grpc as rpc
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.domain.contact import Channel
from services.identity.storage import accounts, contact_changes
from services.identity.use_cases.put_contact import PutContact, put_contact
from services.identity.use_cases.restore_contact import restore_contact
from services.identity.use_cases.verify_contact import verify_contact
from tests.contract.identity.identity_world import EMAIL, PASSWORD, PHONE, CutShort, World, new_id, refused

EMAIL_CHANNEL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
OTHER_EMAIL, THIRD_EMAIL = "ada@new.example", "ada@third.example"
OTHER_PHONE = "+4915198765432"


async def say(world: World, request: Any, caller: str = "gateway") -> Any:
    """Call the RPC whose request it is."""
    method = type(request).__name__.removesuffix("Request")
    stub = rpc.ContactServiceStub(world.channels[caller])
    return await call(getattr(stub, method), request, timeout=10)


def wish(account_id: str, destination: str = OTHER_EMAIL, **fields: Any) -> pb.PutContactRequest:
    """A new address in which everything is right."""
    channel = TEXT if destination.startswith("+") else EMAIL_CHANNEL
    right: dict[str, Any] = {
        "request_id": new_id(),
        "account_id": account_id,
        "channel": channel,
        "destination": destination,
    }
    return pb.PutContactRequest(**(right | {"password": PASSWORD} | fields))


async def verify(world: World, account_id: str, contact_id: str) -> pb.VerifyContactResponse:
    """The proof has come back."""
    request = pb.VerifyContactRequest(account_id=account_id, contact_id=contact_id)
    answer: pb.VerifyContactResponse = await say(world, request)
    return answer


async def change(world: World, account_id: str, destination: str = OTHER_EMAIL) -> pb.VerifyContactResponse:
    """Put a contact and prove it."""
    put = await say(world, wish(account_id, destination))
    return await verify(world, account_id, put.contact_id)


async def contacts(world: World, account_id: str) -> list[identity_pb.Contact]:
    """Where the account is reached."""
    return list((await world.say("GetContacts", identity_pb.GetContactsRequest(account_id=account_id))).contacts)


async def reached(world: World, account_id: str) -> list[tuple[str, bool]]:
    """The owner's destinations, and whether they are verified."""
    return [(each.destination, each.verified) for each in await contacts(world, account_id)]


async def test_the_number_of_the_sign_up_counts_once_it_is_proved(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    assert await reached(world, account_id) == [(EMAIL, True), (PHONE, False)]
    put = await say(world, wish(account_id, "+49 151 12345678"))
    assert (put.destination, put.taken) == (PHONE, False)
    assert await reached(world, account_id) == [(EMAIL, True), (PHONE, False)]
    verified = await verify(world, account_id, put.contact_id)
    assert (verified.contact.destination, verified.contact.verified) == (PHONE, True)
    assert not verified.HasField("former"), "nothing verified stood there before"
    assert await reached(world, account_id) == [(EMAIL, True), (PHONE, True)]


async def test_two_accounts_may_be_reached_at_one_number(world: World) -> None:
    ada, bob = await world.active(), await world.active(email="bob@example.com")
    for account_id in (ada, bob):
        assert not (await say(world, wish(account_id, PHONE))).taken
        await change(world, account_id, PHONE)
        assert (await reached(world, account_id))[1] == (PHONE, True)


async def test_a_new_address_is_the_name_to_sign_in_with_and_the_old_one_is_free(world: World) -> None:
    account_id = await world.active()
    verified = await change(world, account_id, "Ada@NEW.example")
    assert (verified.contact.destination, verified.former.destination) == ("Ada@new.example", EMAIL)
    assert (await world.authenticate(OTHER_EMAIL)).account_id == account_id
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(EMAIL)
    assert (await world.authenticate(await _new_owner(world, EMAIL))).account_id != account_id


async def _new_owner(world: World, email: str) -> str:
    await world.active(email=email)
    return email


async def test_nothing_changes_before_the_proof(world: World) -> None:
    account_id = await world.active()
    await say(world, wish(account_id))
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.authenticate(OTHER_EMAIL)
    assert (await world.authenticate()).account_id == account_id
    assert await reached(world, account_id) == [(EMAIL, True)]
    await world.active(email=OTHER_EMAIL)


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"password": "not the password at all"}, ErrorReason.CREDENTIALS_REJECTED, ""),
        ({"destination": "nonsense"}, ErrorReason.INVALID_FIELD, "destination"),
        ({"destination": "0151 12345678", "channel": TEXT}, ErrorReason.INVALID_FIELD, "destination"),
        ({"channel": standing_pb2.CHANNEL_TRUSTED_DEVICE}, ErrorReason.INVALID_FIELD, "channel"),
    ],
    ids=["password", "address", "number", "channel"],
)
async def test_what_is_wrong_with_a_wish_is_said(
    world: World, fields: dict[str, Any], reason: ErrorReason, field: str
) -> None:
    account_id = await world.active()
    with refused(reason, field):
        await say(world, wish(account_id, **fields))
    with refused(ErrorReason.NOT_FOUND):
        await say(world, wish(new_id()))


async def test_only_the_gateway_changes_contacts_and_only_an_operator_restores_them(world: World) -> None:
    account_id = await world.active()
    for caller in ("operator", "challenge"):
        with refused(ErrorReason.CALLER_NOT_ALLOWED):
            await say(world, wish(account_id), caller)
    for caller in ("gateway", "challenge"):
        with refused(ErrorReason.CALLER_NOT_ALLOWED):
            await say(world, pb.RestoreContactRequest(account_id=account_id), caller)


async def test_a_repeated_wish_is_one_change_and_another_body_is_refused(world: World) -> None:
    account_id = await world.active()
    request = wish(account_id)
    first = await say(world, request)
    assert await say(world, request) == first
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await say(world, wish(account_id, THIRD_EMAIL, request_id=request.request_id))
    assert await verify(world, account_id, first.contact_id) == await verify(world, account_id, first.contact_id)


async def test_a_taken_address_is_told_to_the_caller_and_never_given(world: World) -> None:
    await world.active(email=OTHER_EMAIL)
    account_id = await world.active()
    put = await say(world, wish(account_id))
    assert (put.taken, put.destination) == (True, OTHER_EMAIL)
    with refused(ErrorReason.STATE_CONFLICT):
        await verify(world, account_id, put.contact_id)
    assert await reached(world, account_id) == [(EMAIL, True)]


async def test_a_closed_accounts_address_stays_its_own(world: World) -> None:
    closed = await world.active(email=OTHER_EMAIL)
    await world.set_state(closed, identity_pb.ACCOUNT_STATE_CLOSED)
    account_id = await world.active()
    assert (await say(world, wish(account_id))).taken
    with refused(ErrorReason.NOT_FOUND):
        await say(world, wish(closed, THIRD_EMAIL))


async def test_a_later_wish_takes_the_place_of_an_earlier_one_and_frees_what_it_claimed(world: World) -> None:
    account_id = await world.active()
    first = await say(world, wish(account_id))
    await _cut_short(world, account_id, first.contact_id, "mark_contact_change_done", after=False)
    assert (await world.authenticate(OTHER_EMAIL)).account_id == account_id, "claimed, and not in use"
    second = await say(world, wish(account_id, THIRD_EMAIL))
    with refused(ErrorReason.NOT_FOUND):
        await verify(world, account_id, first.contact_id)
    await verify(world, account_id, second.contact_id)
    assert await reached(world, account_id) == [(THIRD_EMAIL, True)]
    assert not (await say(world, wish(await world.active(email="bob@example.com")))).taken


STEPS = ["claim_address", "mark_contact_change_claimed", "identity.put_contact", "mark_contact_change_done", "release"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_change_that_is_cut_short_anywhere_is_completed_by_the_same_call(
    world: World, step: str, after: bool
) -> None:
    account_id = await world.active()
    put = await say(world, wish(account_id))
    await _cut_short(world, account_id, put.contact_id, step, after=after)
    names = [name for name in (EMAIL, OTHER_EMAIL) if await _leads_to(world, name) == account_id]
    assert names, "the account is reached by one address at least, wherever it was cut"
    verified = await verify(world, account_id, put.contact_id)
    assert (verified.contact.destination, verified.former.destination) == (OTHER_EMAIL, EMAIL)
    assert await _leads_to(world, OTHER_EMAIL) == account_id
    assert await _leads_to(world, EMAIL) == ""


async def _leads_to(world: World, email: str) -> str:
    found: str = (await world.say("FindAccount", identity_pb.FindAccountRequest(email=email))).account_id
    return found


async def _cut_short(world: World, account_id: str, contact_id: str, step: str, *, after: bool) -> None:
    weak: Any = CutShort(world.identity.database, step, after=after)
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await verify_contact(UUID(account_id), UUID(contact_id), identity=replace(world.identity, database=weak))


async def test_there_and_back_again_leaves_the_first_address_in_use(world: World) -> None:
    account_id = await world.active()
    put = await say(world, wish(account_id))
    await verify(world, account_id, put.contact_id)
    await change(world, account_id, EMAIL)
    await verify(world, account_id, put.contact_id)
    assert await reached(world, account_id) == [(EMAIL, True)]
    assert (await _leads_to(world, EMAIL), await _leads_to(world, OTHER_EMAIL)) == (account_id, "")


async def _racers(world: World) -> list[tuple[UUID, UUID]]:
    racers = []
    for name in ("ada", "bob", "cleo", "dana"):
        account_id = await world.active(email=f"{name}@{uuid4().hex[:8]}.example")
        put = await say(world, wish(account_id))
        racers.append((UUID(account_id), UUID(put.contact_id)))
    return racers


async def _owners_of(world: World, racers: list[tuple[UUID, UUID]], address: str) -> int:
    reach = [await reached(world, str(account_id)) for account_id, _ in racers]
    return sum(found == [(address, True)] for found in reach)


async def test_of_accounts_that_race_for_one_address_one_gets_it(world: World) -> None:
    """Everybody is told that it is free, and everybody proves it at once."""
    racers = await _racers(world)
    calls = (verify_contact(*each, identity=world.identity) for each in racers)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    lost = [each for each in answers if isinstance(each, ServiceError)]
    assert [each.reason for each in lost] == [ErrorReason.STATE_CONFLICT] * 3
    assert await _owners_of(world, racers, OTHER_EMAIL) == 1
    winner = next(account_id for (account_id, _), each in zip(racers, answers, strict=True) if each not in lost)
    assert await _leads_to(world, OTHER_EMAIL) == str(winner)


async def test_looking_before_claiming_would_give_one_address_to_all(world: World) -> None:
    """The negative control of the race above."""
    racers, everybody_looked = await _racers(world), asyncio.Barrier(4)

    async def naive(account_id: UUID, contact_id: UUID) -> None:
        database, keys = world.identity.database, world.identity.keys
        async with database.transaction() as transaction:
            found = await contact_changes.find_change(transaction, keys, account_id, contact_id)
            assert found is not None
            holder = await accounts.find_address(transaction, keys.email_hashes(found.destination))
            await everybody_looked.wait()
            assert holder is None
            await contact_changes.put_in_use(transaction, keys, found, "", world.clock.now())
            await accounts.claim_address(transaction, keys.email_hashes(found.destination), account_id)

    await asyncio.gather(*(naive(*each) for each in racers))
    assert await _owners_of(world, racers, OTHER_EMAIL) == 4


async def test_a_sign_up_and_a_change_that_race_for_one_address_have_one_winner(world: World) -> None:
    account_id = await world.active()
    put, created = await say(world, wish(account_id)), await world.create(email=OTHER_EMAIL)
    answers = await asyncio.gather(
        verify(world, account_id, put.contact_id), world.activate(created.account_id), return_exceptions=True
    )
    assert sum(isinstance(each, ServiceError) for each in answers) == 1
    assert await _leads_to(world, OTHER_EMAIL) in (account_id, created.account_id)


async def test_a_number_is_removed_and_the_address_is_not(world: World) -> None:
    account_id = await world.active(phone=PHONE)
    await say(world, wish(account_id, OTHER_PHONE))
    request = pb.RemoveContactRequest(account_id=account_id, channel=TEXT, password=PASSWORD)
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await say(world, pb.RemoveContactRequest(account_id=account_id, channel=TEXT, password="somebody else's words"))
    assert (await say(world, request)).removed
    assert not (await say(world, request)).removed
    assert await reached(world, account_id) == [(EMAIL, True)]
    with refused(ErrorReason.INVALID_FIELD, "channel"):
        await say(world, pb.RemoveContactRequest(account_id=account_id, channel=EMAIL_CHANNEL, password=PASSWORD))


async def restore(world: World, account_id: str) -> pb.RestoreContactResponse:
    """What support does for an owner who was told of a change that was not theirs."""
    answer: pb.RestoreContactResponse = await say(world, pb.RestoreContactRequest(account_id=account_id), "operator")
    return answer


async def test_support_gives_the_former_address_back_and_every_session_ends(world: World) -> None:
    account_id = await world.active()
    opened = await world.open(account_id)
    for thiefs in (OTHER_EMAIL, THIRD_EMAIL):
        await change(world, account_id, thiefs)
        world.clock.advance(timedelta(days=1))
    restored = await restore(world, account_id)
    assert (restored.contact.masked_destination, restored.contact.destination) == ("a•••@e•••.com", "")
    assert restored.ended_count == 1
    assert (await world.fate(opened.tokens))[0] == identity_pb.SESSION_STATE_ENDED
    assert await reached(world, account_id) == [(EMAIL, True)]
    found = [await _leads_to(world, each) for each in (EMAIL, OTHER_EMAIL, THIRD_EMAIL)]
    assert found == [account_id, "", ""]
    again = await restore(world, account_id)
    assert (again.contact, again.ended_count) == (restored.contact, 0)


async def test_a_former_address_is_kept_for_a_week_and_not_for_somebody_else(world: World) -> None:
    account_id = await world.active()
    with refused(ErrorReason.NOT_FOUND):
        await restore(world, account_id)
    await change(world, account_id)
    await world.active(email=EMAIL)
    with refused(ErrorReason.STATE_CONFLICT):
        await restore(world, account_id)
    late = await world.active(email="bob@example.com")
    await change(world, late, "bob@new.example")
    world.clock.advance(timedelta(days=7))
    with refused(ErrorReason.NOT_FOUND):
        await restore(world, late)


@pytest.mark.parametrize("step", STEPS)
async def test_a_return_that_is_cut_short_is_completed_by_the_same_call(world: World, step: str) -> None:
    account_id = await world.active()
    await change(world, account_id)
    weak: Any = CutShort(world.identity.database, step, after=True)
    with refused(ErrorReason.STORAGE_UNAVAILABLE):
        await restore_contact(UUID(account_id), identity=replace(world.identity, database=weak))
    await restore(world, account_id)
    assert await reached(world, account_id) == [(EMAIL, True)]
    assert (await _leads_to(world, EMAIL), await _leads_to(world, OTHER_EMAIL)) == (account_id, "")


async def test_the_database_holds_no_new_or_former_address_in_the_clear(world: World) -> None:
    account_id = await world.active()
    await change(world, account_id)
    await say(world, wish(account_id, THIRD_EMAIL))
    rows = await world.identity.database.fetch("select t::text as row from contact_change t")
    held = "\n".join(row["row"] for row in rows)
    assert account_id in held
    for secret in (EMAIL, OTHER_EMAIL, THIRD_EMAIL):
        assert secret not in held
        assert secret.encode().hex() not in held


async def test_wishes_at_once_leave_one_that_waits(world: World) -> None:
    account_id = await world.active()

    def one(number: int) -> PutContact:
        destination = f"ada{number}@new.example"
        return PutContact(
            request_id=uuid4(),
            account_id=UUID(account_id),
            channel=Channel.EMAIL,
            destination=destination,
            password=PASSWORD,
        )

    put = await asyncio.gather(*(put_contact(one(number), identity=world.identity) for number in range(5)))
    outcomes = await asyncio.gather(
        *(verify_contact(UUID(account_id), each.contact_id, identity=world.identity) for each in put),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, ServiceError) for each in outcomes) == 1

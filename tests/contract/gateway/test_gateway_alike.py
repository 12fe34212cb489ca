"""Taken and free, known and unknown addresses are answered alike also when a request comes again: later, over another
network, from another country, with another body, or after a gateway that died over the first one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import contact_service_pb2 as contact_pb
from hearthgate.gateway.v1 import member_service_pb2 as member_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from libs.runtime.errors import ErrorReason, ServiceError
from services.challenge import conversions as challenge_conversions
from services.gateway.storage import contact_changes, verifications
from tests.contract.gateway.gateway_world import ELSEWHERE, THIRD_PLACE, Household, World, failure, once, phone_fields
from tests.contract.gateway.member_world import TOKEN

PASSWORD = "four-words-nobody-guesses"
EMAIL = standing_pb2.CHANNEL_EMAIL
KINDS = ["sign up", "own account", "invitation", "reset", "contact"]
AGAIN = ["at once", "later", "elsewhere", "abroad"]
JUDGED = AGAIN[:3]
"""Of a request whose device is judged by where it is: in another country within seconds it is a thief's."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One wish for an address that nobody has, and the same for one with an account."""

    call: Callable[[Any], Awaitable[Any]]
    free: Any
    taken: Any

    async def both(self) -> list[str]:
        """The outcomes for the two, each a reason or OK."""
        return [await outcome(self.call(self.free)), await outcome(self.call(self.taken))]


async def outcome(awaitable: Awaitable[Any]) -> str:
    """OK, or the reason of the error."""

    async def answered() -> Any:
        raise Answered(await awaitable)

    try:
        return (await failure(answered())).reason
    except Answered:
        return "OK"


class Answered(Exception):
    """There was no error."""


def address(name: str = "ben") -> str:
    """An address that nobody has."""
    return f"{name}.{uuid4().hex[:8]}@example.com"


async def _sign_up(home: Household, world: World, taken: str) -> Pair:
    client = world.device("Stranger's TV", ELSEWHERE).context()

    def request(email: str) -> account_pb.SignUpRequest:
        return account_pb.SignUpRequest(
            request_id=str(uuid4()),
            email=email,
            password=PASSWORD,
            profile_name="Ben",
            country_code="DE",
            client=client,
        )

    return Pair(call=world.accounts.SignUp, free=request(address()), taken=request(taken))


async def _own_account(home: Household, world: World, taken: str) -> Pair:
    phone = await home.signed_in("Ben's phone", ELSEWHERE, **phone_fields())
    profile_id = await home.add_profile("Ben")

    def request(email: str) -> account_pb.CreateOwnAccountRequest:
        return account_pb.CreateOwnAccountRequest(
            **once(phone), profile_id=profile_id, email=email, password=PASSWORD, country_code="DE"
        )

    return Pair(call=world.accounts.CreateOwnAccount, free=request(address()), taken=request(taken))


async def _invitation(home: Household, world: World, taken: str) -> Pair:
    client = world.device("Ben's TV", ELSEWHERE).context()

    async def request(email: str) -> member_pb.AcceptInvitationRequest:
        await world.members.InviteMember(member_pb.InviteMemberRequest(**once(home.tv), email=email))
        match = TOKEN.search(await world.mail(email, "You are invited"))
        assert match is not None
        return member_pb.AcceptInvitationRequest(
            request_id=str(uuid4()),
            invitation_token=match[1],
            email=email,
            password=PASSWORD,
            profile_name="Ben",
            country_code="DE",
            client=client,
        )

    return Pair(call=world.members.AcceptInvitation, free=await request(address()), taken=await request(taken))


async def _reset(home: Household, world: World, taken: str) -> Pair:
    client = world.device("Stranger's phone", ELSEWHERE).context()

    def request(email: str) -> account_pb.StartPasswordResetRequest:
        return account_pb.StartPasswordResetRequest(request_id=str(uuid4()), email=email, client=client)

    return Pair(call=world.accounts.StartPasswordReset, free=request(address()), taken=request(taken))


async def _contact(home: Household, world: World, taken: str) -> Pair:
    def request(email: str) -> contact_pb.StartContactChangeRequest:
        return contact_pb.StartContactChangeRequest(
            **once(home.tv), channel=EMAIL, destination=email, password=home.owner.password
        )

    return Pair(call=world.contacts.StartContactChange, free=request(address()), taken=request(taken))


_MAKE = dict(zip(KINDS, (_sign_up, _own_account, _invitation, _reset, _contact), strict=True))


async def pair(kind: str, home: Household, world: World) -> Pair:
    """The two wishes, of which none was sent yet."""
    other = await world.household(name="Olga")
    return await _MAKE[kind](home, world, other.owner.email)


def come_again(world: World, request: Any, *how: str) -> None:
    """Let a request come again as it may from an honest app."""
    if "later" in how:
        world.clock.advance(timedelta(seconds=3))
    if "elsewhere" in how:
        request.client.ip_address, request.client.asn = THIRD_PLACE, 64500
    if "abroad" in how:
        request.client.country_code = "AT"


def other_bodies(request: Any, password: str) -> list[tuple[str, Any]]:
    """The same request id with something else in the request, each time one thing."""
    others = []

    def other(what: str) -> Any:
        copy = type(request)()
        copy.CopyFrom(request)
        others.append((what, copy))
        return copy

    other("device's name").client.device.name = "Another name"
    other("language").client.language = "fr"
    if "country_code" in request.DESCRIPTOR.fields_by_name:
        other("country").country_code = "FR"
        other("password").password = password
    field = "destination" if "destination" in request.DESCRIPTOR.fields_by_name else "email"
    if not isinstance(request, member_pb.AcceptInvitationRequest):
        setattr(other("address"), field, address("eve"))
    return others


@pytest.mark.parametrize("kind", KINDS)
async def test_a_repeat_is_answered_the_same_whenever_and_wherever_it_comes_from(
    home: Household, world: World, kind: str
) -> None:
    both = await pair(kind, home, world)
    answers = [await both.call(both.free), await both.call(both.taken)]
    for how in JUDGED if kind == "own account" else AGAIN:
        for request in (both.free, both.taken):
            come_again(world, request, how)
        assert await both.both() == ["OK", "OK"], how
        assert [await both.call(both.free), await both.call(both.taken)] == answers, how


@pytest.mark.parametrize("kind", KINDS)
async def test_another_body_under_the_same_id_is_refused_alike(home: Household, world: World, kind: str) -> None:
    both = await pair(kind, home, world)
    assert await both.both() == ["OK", "OK"]
    world.clock.advance(timedelta(seconds=3))
    word = "other-words-that-nobody-has"
    for (what, free), (_, taken) in zip(other_bodies(both.free, word), other_bodies(both.taken, word), strict=True):
        changed = Pair(call=both.call, free=free, taken=taken)
        assert await changed.both() == ["REQUEST_ID_REUSED"] * 2, what
    assert await both.both() == ["OK", "OK"]


async def _died(*_: Any, **__: Any) -> Any:
    raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE, detail="the gateway died here")


async def die_over(both: Pair) -> None:
    """Send the first of both, and let the gateway fail once the message is on its way, before it keeps what it is."""
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(verifications, "keep_proof", _died)
        dying.setattr(contact_changes, "keep", _died)
        assert await both.both() == ["STORAGE_UNAVAILABLE"] * 2


@pytest.mark.parametrize("changed", ["nothing", "device's name"])
@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_gateway_that_died_over_the_first_one_both_are_answered_alike(
    home: Household, world: World, kind: str, changed: str
) -> None:
    """The code, or the notice, has gone out, and nothing tells the next gateway of it but challenge."""
    both = await pair(kind, home, world)
    await die_over(both)
    for request in (both.free, both.taken):
        come_again(world, request, *(JUDGED if kind == "own account" else AGAIN))
        if changed == "device's name":
            request.client.device.name = "Another name"
    free, taken = await both.both()
    assert free == taken
    assert free == "OK" or changed != "nothing"


async def test_a_digest_of_all_of_a_request_would_tell_them_apart(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(challenge_conversions, "body_of", lambda request: request.SerializeToString(deterministic=True))
    both = await pair("sign up", home, world)
    await die_over(both)
    world.clock.advance(timedelta(seconds=3))
    assert await both.both() == ["OK", "REQUEST_ID_REUSED"]


async def test_a_verification_that_is_asked_for_again_is_the_same(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    request = verification_pb.RequestVerificationRequest(**once(friend), channel=EMAIL)
    first = await world.verification.RequestVerification(request)
    for how in JUDGED:
        come_again(world, request, how)
        again = await world.verification.RequestVerification(request)
        assert again.verification.verification_id == first.verification.verification_id, how


async def test_a_code_that_is_handed_in_again_over_another_network_counts_once(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    request = verification_pb.SubmitCodeRequest(
        **once(friend), verification_id=asked.verification_id, code=await world.code(home.owner.email, "asks to watch")
    )
    first = await world.verification.SubmitCode(request)
    come_again(world, request, *AGAIN)
    again = await world.verification.SubmitCode(request)
    assert (again.result, first.result) == (verification_pb.CODE_RESULT_ACCEPTED,) * 2

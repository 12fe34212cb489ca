"""Devices with keys: each exchange is signed for; what was copied or sent before buys nothing."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from hearthgate.identity.v1 import identity_service_pb2 as pb
from libs.runtime.errors import ErrorReason
from libs.runtime.keys import SigningKey
from tests.contract.identity.identity_world import PASSWORD, World, new_id, refused

LIVE = (pb.SESSION_STATE_LIVE, pb.SESSION_END_REASON_UNSPECIFIED)
REUSED = (pb.SESSION_STATE_ENDED, pb.SESSION_END_REASON_TOKEN_REUSED)
CONTEXT = b"hearthgate session refresh v1\0"


@dataclass(kw_only=True)
class Keyed:
    """A device with a key, as the contract's comment says how to sign."""

    world: World
    name: str = "tv"
    key: SigningKey = field(default_factory=SigningKey.generate)

    async def open(self, account_id: str, **fields: object) -> pb.OpenSessionResponse:
        """Sign in."""
        return await self.world.open(account_id, self.name, device_public_key=self.key.public_bytes, **fields)

    def proof(self, tokens: pb.SessionTokens, nonce: bytes = b"") -> pb.KeyProof:
        """A signature for one exchange."""
        nonce = nonce or secrets.token_bytes(16)
        message = CONTEXT + sha256(tokens.refresh_token.encode()).digest() + nonce + self.name.encode()
        return pb.KeyProof(nonce=nonce, signature=self.key.sign(message))

    async def refresh(self, tokens: pb.SessionTokens, **fields: object) -> pb.RefreshSessionResponse:
        """Exchange, signing anew."""
        return await self.world.refresh(tokens, self.name, **({"key_proof": self.proof(tokens)} | fields))


async def test_tokens_of_a_device_with_a_key_run_a_quarter_of_an_hour_and_ninety_days(world: World) -> None:
    device = Keyed(world=world)
    opened = await device.open(await world.active())
    now = world.clock.now().replace(tzinfo=None)
    assert opened.session.key_bound
    assert opened.tokens.session_expire_time.ToDatetime() - now == timedelta(minutes=15)
    assert opened.tokens.refresh_expire_time.ToDatetime() - now == timedelta(days=90)


async def test_a_device_refreshes_by_its_keys_signature_again_and_again(world: World) -> None:
    device = Keyed(world=world)
    tokens = (await device.open(await world.active())).tokens
    for _ in range(3):
        tokens = (await device.refresh(tokens)).tokens
        assert await world.fate(tokens) == LIVE


async def test_a_copied_refresh_token_is_worth_nothing_without_the_key_and_costs_the_owner_nothing(
    world: World,
) -> None:
    device, thief = Keyed(world=world), Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    tokens = (await device.refresh(first)).tokens
    for copied in (tokens, first):
        for proof in (None, thief.proof(copied), device.proof(first if copied is tokens else tokens)):
            with refused(ErrorReason.SESSION_UNKNOWN):
                await world.refresh(copied, key_proof=proof)
    assert await world.fate((await device.refresh(tokens)).tokens) == LIVE


async def test_negative_control_without_a_key_a_copied_refresh_token_signs_the_thief_in(world: World) -> None:
    tokens = (await world.open(await world.active())).tokens
    assert await world.fate((await world.refresh(tokens)).tokens) == LIVE


async def test_an_exchange_that_is_sent_again_as_it_was_is_refused_and_the_session_stays(world: World) -> None:
    """Whoever recorded the request has the token and the signature, and still not the key."""
    device = Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    proof = device.proof(first)
    tokens = (await device.refresh(first, key_proof=proof)).tokens
    for _ in range(2):
        with refused(ErrorReason.SESSION_UNKNOWN):
            await world.refresh(first, key_proof=proof)
    assert await world.fate(tokens) == LIVE


async def test_a_device_whose_answer_was_lost_signs_anew_and_gets_what_it_was_to_get(world: World) -> None:
    device = Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    lost = (await device.refresh(first)).tokens
    world.clock.advance(timedelta(days=3))
    again = (await device.refresh(first)).tokens
    assert again.refresh_token == lost.refresh_token
    assert await world.fate(again) == LIVE
    assert await world.fate((await device.refresh(again)).tokens) == LIVE


async def test_two_holders_of_one_key_and_token_are_noticed_and_the_session_ends(world: World) -> None:
    """A cloned device: one copy has gone on, the other comes with what was spent long ago."""
    device = Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    third = (await device.refresh((await device.refresh(first)).tokens)).tokens
    with refused(ErrorReason.SESSION_UNKNOWN):
        await device.refresh(first)
    assert await world.fate(third) == REUSED


async def test_of_many_signed_exchanges_at_once_each_is_answered_with_the_same_token(world: World) -> None:
    device = Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    answers = await asyncio.gather(*(device.refresh(first) for _ in range(8)))
    assert len({each.tokens.refresh_token for each in answers}) == 1
    assert await world.fate((await device.refresh(answers[0].tokens)).tokens) == LIVE


async def test_of_one_signed_exchange_sent_many_times_at_once_one_is_answered(world: World) -> None:
    device = Keyed(world=world)
    first = (await device.open(await world.active())).tokens
    proof = device.proof(first)
    sent = (world.refresh(first, key_proof=proof) for _ in range(8))
    answers = await asyncio.gather(*sent, return_exceptions=True)
    given = [each for each in answers if not isinstance(each, BaseException)]
    assert len(given) == 1
    assert await world.fate(given[0].tokens) == LIVE


async def test_a_device_without_a_key_repeats_its_request_within_a_minute(world: World) -> None:
    first = (await world.open(await world.active())).tokens
    request_id = new_id()
    lost = (await world.refresh(first, request_id=request_id)).tokens
    world.clock.advance(timedelta(seconds=60))
    again = (await world.refresh(first, request_id=request_id)).tokens
    assert again.refresh_token == lost.refresh_token
    assert await world.fate(again) == LIVE


@pytest.mark.parametrize("case", ["later", "another id", "no id", "another device", "used meanwhile"])
async def test_any_other_second_use_of_a_keyless_token_ends_the_session(world: World, case: str) -> None:
    first = (await world.open(await world.active())).tokens
    request_id = new_id()
    tokens = (await world.refresh(first, request_id=request_id)).tokens
    device_id = "phone" if case == "another device" else "tv"
    if case == "later":
        world.clock.advance(timedelta(seconds=61))
    if case == "used meanwhile":
        tokens = (await world.refresh(tokens)).tokens
    shown = {"another id": new_id(), "no id": ""}.get(case, request_id)
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(first, device_id, request_id=shown)
    assert await world.fate(tokens) == REUSED


async def test_a_request_id_is_repeated_with_the_same_key_only(world: World) -> None:
    account_id, request_id = await world.active(), new_id()
    await Keyed(world=world).open(account_id, request_id=request_id)
    with refused(ErrorReason.REQUEST_ID_REUSED, "request_id"):
        await Keyed(world=world).open(account_id, request_id=request_id)


@pytest.mark.parametrize("public_key", [b"x" * 31, b"x" * 33, b"\0" * 32], ids=["short", "long", "small order"])
async def test_a_bad_device_key_is_named(world: World, public_key: bytes) -> None:
    account_id = await world.active()
    with refused(ErrorReason.INVALID_FIELD, "device_public_key"):
        await world.open(account_id, device_public_key=public_key)


@pytest.mark.parametrize("lengths", [(15, 64), (16, 63), (0, 0)])
async def test_a_bad_proof_is_named(world: World, lengths: tuple[int, int]) -> None:
    tokens = (await Keyed(world=world).open(await world.active())).tokens
    proof = pb.KeyProof(nonce=b"n" * lengths[0], signature=b"s" * lengths[1])
    with refused(ErrorReason.INVALID_FIELD):
        await world.refresh(tokens, key_proof=proof)


async def test_a_password_that_was_changed_between_check_and_session_opens_nothing(world: World) -> None:
    account_id = await world.active()
    checked = await world.authenticated()
    request = pb.SetPasswordRequest(account_id=account_id, password="another long and private phrase")
    await world.say("SetPassword", request)
    with refused(ErrorReason.CREDENTIALS_REJECTED):
        await world.open(account_id, credential_version=checked.credential_version)
    fresh = await world.authenticated(password="another long and private phrase")
    assert fresh.credential_version == checked.credential_version + 1
    opened = await world.open(account_id, credential_version=fresh.credential_version)
    assert await world.fate(opened.tokens) == LIVE
    # Negative control: without the version the old check would have let its device in.
    assert await world.fate((await world.open(account_id, "phone")).tokens) == LIVE
    assert PASSWORD != "another long and private phrase"


@pytest.mark.parametrize(("keyed", "days", "step", "times"), [(True, 365, 60, 6), (False, 180, 29, 6)])
async def test_a_session_ends_for_good_however_often_it_is_refreshed(
    keyed: bool, days: int, step: int, times: int, world: World
) -> None:
    """A year after the sign-in; half a year for a device without a key."""
    device, account_id = Keyed(world=world), await world.active()
    begun = world.clock.now().replace(tzinfo=None, microsecond=0)
    refresh = device.refresh if keyed else world.refresh
    tokens = (await (device.open(account_id) if keyed else world.open(account_id))).tokens
    for _ in range(times):
        world.clock.advance(timedelta(days=step))
        tokens = (await refresh(tokens)).tokens
    assert tokens.refresh_expire_time.ToDatetime() == begun + timedelta(days=days)
    world.clock.advance(timedelta(days=days - step * times) - timedelta(seconds=60))
    tokens = (await refresh(tokens)).tokens
    assert tokens.session_expire_time.ToDatetime() == begun + timedelta(days=days), "no token outlives its session"
    assert await world.fate(tokens) == LIVE
    world.clock.advance(timedelta(seconds=61))
    with refused(ErrorReason.SESSION_UNKNOWN):
        await refresh(tokens)
    assert await world.fate(tokens) != LIVE


async def test_a_session_of_before_there_was_an_end_is_over_once_it_is_that_old(world: World) -> None:
    """Its refresh token was issued for longer than the session may last by now."""
    account_id = await world.active()
    tokens = (await world.open(account_id)).tokens
    await world.identity.database.execute(
        "update session set refresh_expire_time = refresh_expire_time + interval '1 year' where account_id = $1",
        UUID(account_id),
    )
    world.clock.advance(timedelta(days=181))
    with refused(ErrorReason.SESSION_UNKNOWN):
        await world.refresh(tokens)

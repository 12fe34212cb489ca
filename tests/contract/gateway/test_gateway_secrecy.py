"""No secret and nothing personal in a log: a whole story, in all five services, at DEBUG and as production logs it."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as pb
from hearthgate.gateway.v1 import own_account_service_pb2 as own_pb
from hearthgate.gateway.v1 import profile_service_pb2 as profile_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from libs.devstack.device import Device, Person
from libs.runtime.logging import configure_logging
from tests.contract.gateway.gateway_world import (
    ABROAD,
    ELSEWHERE,
    HOME,
    PHONE,
    Household,
    World,
    asked_by,
    failure,
    laptop_fields,
    once,
    wrong,
)

EMAIL, TEXT = standing_pb2.CHANNEL_EMAIL, standing_pb2.CHANNEL_TEXT
NEW_PASSWORD = "another-four-words-entirely"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as a process of ours logs it."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    with contextlib.redirect_stderr(io.StringIO()) as written:
        configure_logging("everything", "DEBUG")
        yield written
    logging.basicConfig(handlers=handlers, level=level, force=True)
    logging.captureWarnings(False)
    structlog.configure(**before)


async def test_a_whole_story_leaves_no_secret_and_nothing_personal_in_the_log(log: io.StringIO, world: World) -> None:
    home = await world.household()
    secrets = await _story(home, world)
    written = log.getvalue()
    assert written.count("\n") > 50, "the services did log"
    for event in ("device shut out", "notice not sent", "call failed", "code checked"):
        assert event in written
    assert _stands_in(home.tv.device_id, written), "what may be logged is found"
    assert [kind for kind, secret in secrets if _stands_in(secret, written)] == []


async def _story(home: Household, world: World) -> list[tuple[str, str]]:
    """Signing up, in and out, codes right and wrong, a thief, a reset, an own account and an outage."""
    owner, ben = home.owner, Person(name="Ben", email=f"ben.{uuid4().hex[:8]}@example.com", password="bens-own-words-x")
    secrets = [("email", owner.email), ("email", ben.email), ("password", owner.password), ("password", NEW_PASSWORD)]
    secrets += [
        ("password", ben.password),
        ("phone", PHONE),
        *(("address", each) for each in (HOME, ELSEWHERE, ABROAD)),
    ]
    profile_id = await home.add_profile("Ben")
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    asked = await friend.request_verification(EMAIL)
    codes = [await world.code(owner.email, "asks to watch")]
    secrets.append(("token", friend.session_token))
    await friend.submit_code(asked.verification_id, wrong(codes[0]))
    await friend.submit_code(asked.verification_id, codes[0])
    await failure(friend.sign_in(owner, "not-the-password-at-all"))
    await friend.sign_in(owner)
    friend.profile_id = profile_id
    await friend.play("film")
    thief = await home.signed_in("Unknown laptop", ABROAD, "BR", **laptop_fields())
    await thief.request_verification(TEXT)
    codes.append(await world.text_code(PHONE))
    await home.tv.it_was_not_me((await home.tv.pending_verifications())[0].verification_id)
    secrets += await _locked_child(home, world, friend)
    begun = await friend.create_own_account(ben, profile_id)
    codes.append(await world.code(ben.email))
    await friend.complete_sign_up(begun, codes[-1])
    reset_id = await home.tv.start_password_reset(owner.email)
    codes.append(await world.code(owner.email, "Choose a new password"))
    await home.tv.reset_password(reset_id, codes[-1], NEW_PASSWORD)
    secrets += await _outage(home, world)
    secrets += [("token", friend.session_token), ("token", thief.session_token), ("password", "not-the-password")]
    return [*secrets, *(("code", each) for code in codes for each in (code, wrong(code)))]


async def _locked_child(home: Household, world: World, friend: Device) -> list[tuple[str, str]]:
    """A PIN that is set and guessed at, and an owner who is asked for a child's profile."""
    kid = await home.add_profile("Kim", kids=True)
    pins = ("83920174", "60518372")
    await world.profiles.SetProfilePin(
        profile_pb.SetProfilePinRequest(**asked_by(home.tv), profile_id=kid, pin=pins[0])
    )
    for pin in pins:
        check = profile_pb.CheckProfilePinRequest(**asked_by(home.tv), profile_id=kid, pin=pin)
        await world.profiles.CheckProfilePin(check)
    ask = own_pb.RequestProfileTransferRequest(**once(friend), profile_id=kid, channel=EMAIL)
    asked = (await world.own_accounts.RequestProfileTransfer(ask)).verification.verification_id
    code = await world.code(home.owner.email, "profile")
    await _bring_yes(world, friend, kid, asked, code)
    return [("code", each) for each in (*pins, code, wrong(code))]


async def _bring_yes(world: World, friend: Device, profile_id: str, asked: str, code: str) -> None:
    """Bring the wrong code, and a wrong address with the right one."""
    for email, entered in (("kim@example.com", wrong(code)), ("kim at home", code)):
        request = pb.CreateOwnAccountRequest(
            **once(friend),
            profile_id=profile_id,
            email=email,
            password="kims-own-words-at-last",
            country_code="DE",
            transfer_verification_id=asked,
            transfer_code=entered,
        )
        await failure(world.accounts.CreateOwnAccount(request))


async def _outage(home: Household, world: World) -> list[tuple[str, str]]:
    client = home.tv.context()
    request = pb.SignInRequest(request_id=str(uuid4()), email=home.owner.email, password=NEW_PASSWORD, client=client)
    first = (await world.accounts.SignIn(request)).credentials
    refresh = pb.RefreshSessionRequest(refresh_token=first.refresh_token, client=client)
    second = (await world.accounts.RefreshSession(refresh)).credentials
    home.tv.session_token = second.session_token
    await failure(world.verification.SubmitCode(verification_pb.SubmitCodeRequest(**once(home.tv), code="12 34")))
    await world.stop("challenge")
    phone = world.device("Ada's phone", ELSEWHERE)
    await phone.sign_in(home.owner, NEW_PASSWORD)
    await failure(home.tv.start_password_reset(home.owner.email))
    await failure(world.device("TV").sign_up(home.owner))
    tokens = (first.session_token, first.refresh_token, second.session_token, second.refresh_token)
    return [("token", each) for each in (*tokens, phone.session_token)]


def _stands_in(secret: str, written: str) -> bool:
    """Whether it is there; a token counts by its secret part alone, and digits within an id are no code."""
    looked_for = secret.rpartition(".")[2] if secret.startswith("hg") else secret
    return re.search(rf"(?<![\w.-]){re.escape(looked_for)}(?![\w-])", written) is not None

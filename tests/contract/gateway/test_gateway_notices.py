"""Notices that are not lost: challenge away, answers lost, steps repeated, and one mail in the end."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hearthgate.common.v1 import standing_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import privacy_service_pb2 as privacy_pb
from libs.devstack.device import Device
from libs.runtime.errors import ErrorReason, ServiceError
from tests.contract.gateway.erasing_world import finish
from tests.contract.gateway.gateway_world import ABROAD, ELSEWHERE, Household, World, failure, hold_once, laptop_fields
from tests.contract.gateway.test_gateway_contacts import CHANGED, change_address, complete, new_address

NEW, STOPPED = "A new device signed in", "We stopped a sign-in"
LEASE = timedelta(seconds=30)
"""How far off a notice is that a worker is at."""


def sign_in(home: Household, device: Device) -> account_pb.SignInRequest:
    """A sign-in that can be sent again."""
    return account_pb.SignInRequest(
        request_id=str(uuid4()), email=home.owner.email, password=home.owner.password, client=device.context()
    )


async def put_off(world: World) -> None:
    """Return once a notice was tried in vain and waits."""
    sql = "select exists (select from pending_notice where attempt_count > 0 and next_attempt_time <= $1)"

    async def look() -> bool:
        soon = world.clock.now() + timedelta(seconds=1)
        return bool(await world.databases["gateway"].fetch_value(sql, soon))

    await world.eventually(look)


async def handed_over(world: World) -> None:
    """Return once no notice waits. Time goes on whenever one was put off: a channel takes a while to connect again."""

    async def look() -> bool:
        due = await world.databases["gateway"].fetch_value("select min(next_attempt_time) from pending_notice")
        if due is None:
            return True
        left = due - world.clock.now()
        if left > timedelta() and left != LEASE:
            world.clock.advance(left)
        return False

    await world.eventually(look)


async def sent(world: World) -> None:
    """Return once challenge has nothing more to send."""

    async def look() -> bool:
        sql = "select not exists (select from delivery where state = 'queued')"
        return bool(await world.databases["challenge"].fetch_value(sql))

    await world.eventually(look)


def mails(world: World, about: str) -> int:
    """How many mails there were about something."""
    return sum(about in mail.subject for mail in world.inbox.mails)


@pytest.mark.parametrize("kind", [NEW, STOPPED])
async def test_an_owner_hears_of_a_sign_in_once_though_challenge_was_away(
    home: Household, world: World, kind: str
) -> None:
    await world.stop("challenge")
    place: dict[str, Any] = {"ip_address": ELSEWHERE}
    if kind == STOPPED:
        place = {"ip_address": ABROAD, "country": "BR", **laptop_fields()}
    device = world.device("Somebody's device", **place)
    answer = await device.sign_in(home.owner)
    assert answer.HasField("credentials"), "the answer does not wait for the notice"
    signed_in = world.clock.now()
    await put_off(world)
    world.clock.advance(timedelta(hours=3))
    await world.start("challenge")
    await handed_over(world)
    told = await world.mail(home.owner.email, kind)
    assert "Somebody's device" in told
    assert f"{signed_in:%I:%M}" in told, "it tells when it happened, not when it was sent"
    await sent(world)
    assert mails(world, kind) == 1


async def test_a_notice_whose_answer_was_lost_is_mailed_once(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.gateway.challenge.notify
    lost: list[Any] = []

    async def lose_the_first_answer(notice: Any) -> None:
        await real(notice)
        if not lost:
            lost.append(notice)
            raise ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE)

    monkeypatch.setattr(world.gateway.challenge, "notify", lose_the_first_answer)
    await home.signed_in("Phone", ELSEWHERE)
    await put_off(world)
    await world.mail(home.owner.email, NEW)
    # Or the clock would take a mail under way for one whose worker died.
    await sent(world)
    await handed_over(world)
    await sent(world)
    assert (len(lost), mails(world, NEW)) == (1, 1)


async def test_a_sign_in_that_is_repeated_tells_once(home: Household, world: World) -> None:
    request = sign_in(home, world.device("Phone", ELSEWHERE))
    for _ in range(3):
        await world.accounts.SignIn(request)
        await handed_over(world)
        world.clock.advance(timedelta(seconds=5))
    await world.mail(home.owner.email, NEW)
    assert mails(world, NEW) == 1


async def test_a_sign_in_whose_notice_cannot_be_kept_is_not_acknowledged_and_its_repeat_tells(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise ServiceError(ErrorReason.STORAGE_UNAVAILABLE)

    request = sign_in(home, world.device("Phone", ELSEWHERE))
    with monkeypatch.context() as patch:
        patch.setattr(world.gateway.notices, "put", away)
        assert (await failure(world.accounts.SignIn(request))).reason == "STORAGE_UNAVAILABLE"
    assert (await world.accounts.SignIn(request)).outcome == decision_pb.OUTCOME_ALLOWED
    await world.mail(home.owner.email, NEW)
    assert mails(world, NEW) == 1


async def test_another_try_after_a_gateway_died_in_the_middle_tells_as_well(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is not known by the first try: its sighting is recorded after the notice was kept."""
    phone = world.device("Phone", ELSEWHERE)
    with monkeypatch.context() as patch:
        patch.setattr(world.gateway.notices, "put", _dies)
        await failure(phone.sign_in(home.owner))
    await phone.sign_in(home.owner)
    assert "Phone" in await world.mail(home.owner.email, NEW)


async def test_what_waits_is_sealed_and_holds_no_address(home: Household, world: World) -> None:
    await world.stop("challenge")
    await home.signed_in("Grandmother's phone", ELSEWHERE)
    await put_off(world)
    rows = await world.databases["gateway"].fetch("select p::text as whole, sealed_notice from pending_notice p")
    assert len(rows) == 1
    for secret in (home.owner.email, "Grandmother", "NEW_SIGN_IN"):
        assert secret not in rows[0]["whole"]
        assert secret.encode() not in rows[0]["sealed_notice"]


async def test_a_device_shut_out_while_challenge_is_away_is_told_of_later(home: Household, world: World) -> None:
    phone = await home.signed_in("Old phone")
    await handed_over(world)
    await world.stop("challenge")
    request = account_pb.RevokeDeviceRequest(
        session_token=home.tv.session_token, client=home.tv.context(), device_id=phone.device_id
    )
    assert (await world.accounts.RevokeDevice(request)).ended_session_count == 1
    await put_off(world)
    await world.start("challenge")
    await handed_over(world)
    assert "Old phone" in await world.mail(home.owner.email, "A device was shut out")


async def test_an_address_that_was_taken_over_hears_of_it_though_challenge_was_away(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning that comes last to the right person: whoever holds the new address will not pass it on."""
    address = new_address()
    change_id = await home.tv.start_contact_change(standing_pb2.CHANNEL_EMAIL, address, home.owner.password)
    request = complete(home.tv, change_id, await world.code(address))
    await handed_over(world)
    hold = hold_once(monkeypatch, world.gateway.contacts, "verify_contact")
    completing = asyncio.ensure_future(world.contacts.CompleteContactChange(request))
    await hold.held.wait()
    await world.stop("challenge")
    hold.release.set()
    assert (await failure(completing)).reason == "DEPENDENCY_UNAVAILABLE", "codes that went there cannot be ended yet"
    await put_off(world)
    (row,) = await world.databases["gateway"].fetch("select p::text as whole, sealed_notice from pending_notice p")
    assert not [each for each in (home.owner.email, address) if each in row["whole"]]
    assert home.owner.email.encode() not in row["sealed_notice"]
    world.clock.advance(timedelta(hours=3))
    await world.start("challenge")
    await handed_over(world)
    await world.mail(home.owner.email, CHANGED)
    await world.back(lambda: world.contacts.CompleteContactChange(request))
    await handed_over(world)
    await sent(world)
    assert mails(world, CHANGED) == 1
    assert home.owner.email in next(mail.recipients for mail in world.inbox.mails if CHANGED in mail.subject)


async def test_a_warning_to_a_former_address_goes_with_its_account(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise ServiceError(ErrorReason.DEPENDENCY_UNAVAILABLE)

    await handed_over(world)
    monkeypatch.setattr(world.gateway.challenge, "notify", away)
    await change_address(home, world, new_address())
    await put_off(world)
    export = privacy_pb.ExportAccountAsOperatorRequest(account_id=home.account_id)
    pieces = [each.data async for each in world.privacy_as_operator.ExportAccountAsOperator(export)]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.read("gateway/notices.jsonl").count(b"\n") == 1
    assert home.owner.email.encode() in archive.read("identity/contact_changes.jsonl"), "where it is told in the clear"
    monkeypatch.undo()
    erase = privacy_pb.EraseAccountAsOperatorRequest(account_id=home.account_id, at_once=True)
    begun = (await world.privacy_as_operator.EraseAccountAsOperator(erase)).erasure
    await finish(world, begun.erasure_id)
    assert await world.databases["gateway"].fetch_value("select count(*) from pending_notice") == 0


async def _dies(_: object) -> None:
    raise RuntimeError("the process ends here")

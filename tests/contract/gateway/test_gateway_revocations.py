"""Whatever ends a session: once it was acknowledged nothing starts and nothing is renewed, by any path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from unittest.mock import AsyncMock

import grpc
import pytest

from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from libs.devstack.device import Device
from services.gateway.clients.identity import Authenticated
from services.gateway.domain.records import Client
from services.gateway.storage import leases
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure, hold_once
from tests.contract.gateway.test_gateway_change_password import change as change_request
from tests.contract.gateway.test_gateway_disown import disown, guest, reset, token_in_mail

NEW_PASSWORD = "another-four-words-entirely"
STARTS = 12
TITLE = "late-film"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A guest's phone that plays, and a token with which its sign-in can be disowned."""

    home: Household
    phone: Device
    token: str

    @property
    def world(self) -> World:
        return self.home.world


async def _sign_out(scene: Scene) -> None:
    await scene.world.accounts.SignOut(account_pb.SignOutRequest(**asked_by(scene.phone)))


async def _sign_out_everywhere(scene: Scene) -> None:
    await scene.world.accounts.SignOutEverywhere(account_pb.SignOutEverywhereRequest(**asked_by(scene.home.tv)))


async def _change(scene: Scene) -> None:
    await scene.world.protection.ChangePassword(change_request(scene.home, scene.home.tv))


async def _reset(scene: Scene) -> None:
    await reset(scene.home, scene.home.tv, NEW_PASSWORD)


async def _revoke(scene: Scene) -> None:
    request = account_pb.RevokeDeviceRequest(**asked_by(scene.home.tv), device_id=scene.phone.device_id)
    await scene.world.accounts.RevokeDevice(request)


async def _disown(scene: Scene) -> None:
    await disown(scene.world, scene.token)


REVOCATIONS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "sign out": _sign_out,
    "sign out everywhere": _sign_out_everywhere,
    "change password": _change,
    "reset password": _reset,
    "revoke device": _revoke,
    "disown": _disown,
}
every_revocation = pytest.mark.parametrize("revoke", REVOCATIONS.values(), ids=REVOCATIONS.keys())


@pytest.fixture
async def scene(home: Household) -> Scene:
    """Signed in, let in by a code, and told of by mail."""
    phone = await guest(home, "Friend's phone")
    return Scene(home=home, phone=phone, token=await token_in_mail(home, "A new device signed in"))


async def _streams_of(scene: Scene) -> int:
    """How many leases the phone still has in the table, whoever may ask for them."""
    sql = "select count(*) from slot where device_id = $1 and expire_time > $2"
    now = scene.world.clock.now()
    count: int = await scene.world.databases["gateway"].fetch_value(sql, scene.phone.device_id, now)
    return count


@every_revocation
async def test_once_it_was_acknowledged_nothing_of_a_playing_device_goes_on(
    scene: Scene, revoke: Callable[[Scene], Awaitable[None]]
) -> None:
    """A stream runs, and starts and renewals arrive all the while."""
    running = (await scene.phone.play("film")).stream
    assert running.stream_id
    acknowledged = asyncio.Event()

    async def revoke_and_say() -> None:
        await revoke(scene)
        acknowledged.set()

    async def keep_trying() -> list[playback_pb.StartStreamResponse]:
        """Starts until the acknowledgement, and then some that began after it."""
        early = []
        while not acknowledged.is_set():
            early.append(await scene.phone.play(TITLE))
        late = await asyncio.gather(*(scene.phone.play(TITLE) for _ in range(STARTS)))
        assert {each.outcome for each in late} == {decision_pb.OUTCOME_DENIED}
        return early

    *attempts, _ = await asyncio.gather(keep_trying(), keep_trying(), revoke_and_say())
    assert await _streams_of(scene) == 0
    started = [answer.stream for early in attempts or [] for answer in early or [] if answer.HasField("stream")]
    for stream in [running, *started[-STARTS:]]:
        assert (await scene.phone.renew(stream)).outcome == decision_pb.OUTCOME_DENIED
    assert await _streams_of(scene) == 0


@every_revocation
async def test_a_start_that_had_looked_everything_up_does_not_claim_after_it(
    scene: Scene, revoke: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start knows of a live session and a good standing, and waits just before it takes its slot."""
    answer = await _held_start(scene, revoke, monkeypatch)
    assert (answer.outcome, answer.grant) == (decision_pb.OUTCOME_DENIED, "")
    assert await _streams_of(scene) == 0


@every_revocation
async def test_that_start_would_get_through_if_the_epoch_were_not_raised(
    scene: Scene, revoke: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: sessions and streams end, and the epoch stays."""
    monkeypatch.setattr(leases, "raise_epoch", AsyncMock())
    answer = await _held_start(scene, revoke, monkeypatch)
    assert answer.outcome == decision_pb.OUTCOME_ALLOWED_UNTIL, "the negative control passed"
    assert await _streams_of(scene) == 1


async def _held_start(
    scene: Scene, revoke: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> playback_pb.StartStreamResponse:
    hold = hold_once(monkeypatch, leases, "claim")
    starting = asyncio.create_task(scene.phone.play(TITLE))
    await hold.held.wait()
    await revoke(scene)
    hold.release.set()
    return await starting


@every_revocation
async def test_a_renewal_that_had_looked_everything_up_prolongs_nothing_after_it(
    scene: Scene, revoke: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = (await scene.phone.play("film")).stream
    hold = hold_once(monkeypatch, leases, "renew")
    renewing = asyncio.gather(scene.phone.renew(running), return_exceptions=True)
    await hold.held.wait()
    await revoke(scene)
    hold.release.set()
    (answer,) = await renewing
    assert isinstance(answer, BaseException), "the stream is over"
    assert await _streams_of(scene) == 0


on_the_old_password = pytest.mark.parametrize("change", [_change, _reset, _disown], ids=["change", "reset", "disown"])


@on_the_old_password
async def test_a_sign_in_on_the_password_of_before_gets_no_session_after_it(
    scene: Scene, change: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password was found right, and the sign-in waits before it opens its session."""
    (answer,) = await _held_sign_in(scene, change, monkeypatch)
    assert isinstance(answer, grpc.aio.AioRpcError)
    assert (await failure(_raised(answer))).reason == "CREDENTIALS_REJECTED"
    assert await _sessions_of(scene, "late-phone") == 0


@on_the_old_password
async def test_that_sign_in_would_get_one_if_the_password_were_not_compared(
    scene: Scene, change: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the gateway does not say which password was checked, as before there were versions."""
    real = scene.world.gateway.identity.authenticate

    async def unversioned(email: str, password: str, client: Client) -> Authenticated:
        return replace(await real(email, password, client), credential_version=0)

    monkeypatch.setattr(scene.world.gateway.identity, "authenticate", unversioned)
    await _held_sign_in(scene, change, monkeypatch)
    assert await _sessions_of(scene, "late-phone") == 1, "the negative control passed"


async def _held_sign_in(
    scene: Scene, change: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> list[object]:
    late = scene.world.device("Late phone", ELSEWHERE, device_id="late-phone")
    hold = hold_once(monkeypatch, scene.world.gateway.identity, "open_session")
    signing_in = asyncio.gather(late.sign_in(scene.home.owner), return_exceptions=True)
    await hold.held.wait()
    scene.world.clock.advance(timedelta(seconds=1))
    await change(scene)
    hold.release.set()
    return list(await signing_in)


async def _sessions_of(scene: Scene, device_id: str) -> int:
    sql = "select count(*) from session where device_id = $1 and state <> 'ENDED'"
    count: int = await scene.world.databases["identity"].fetch_value(sql, device_id)
    return count


async def _raised(error: BaseException) -> None:
    raise error

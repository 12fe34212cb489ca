"""EraseAccount: nothing is left of an account, proven by a search through every table of the five databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as trust_pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as planning_pb
from hearthgate.gateway.v1 import decision_pb2
from hearthgate.gateway.v1 import privacy_service_pb2 as pb
from libs.devstack.device import Device
from libs.persistence.retention import apply
from libs.runtime.errors import ServiceError
from libs.runtime.tasks import running
from services.challenge.retention import ChallengeRetention
from services.gateway.domain.erasure import STEPS, Step
from services.gateway.erasures import run_erasures
from services.gateway.storage import erasures
from services.identity.retention import IdentityRetention
from services.identity.use_cases.purge_sign_ups import purge_sign_ups
from tests.contract.gateway.erasing_world import LONG, finish, look, work
from tests.contract.gateway.everything import arrive, live
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, failure, once
from tests.contract.gateway.searching import OPENED, found, unopened
from tests.contract.gateway.titles import bring_series


async def test_nothing_of_an_erased_account_is_left_in_any_table(world: World) -> None:
    everything = await live(world)
    home = everything.home
    used: set[str] = set()
    before = await found(world, everything.traces, used)
    assert used == set(OPENED), "everything that can be sealed is there, and was opened"
    assert {name: places for name, places in before.items() if not places} == {}, "the search finds what is there"
    begun = await _erase(home)
    assert begun.state == pb.ERASURE_STATE_WAITING
    assert begun.erase_time.ToDatetime() - begun.request_time.ToDatetime() == timedelta(days=14)
    await world.mail(home.owner.email, "will be erased")
    world.clock.advance(timedelta(days=14))
    done = await finish(world, begun.erasure_id)
    assert done.state == pb.ERASURE_STATE_DONE
    assert done.HasField("done_time")
    counts = {each.kind: each.count for each in done.counts}
    for kind in ("identity/account", "device_trust/devices", "challenge/messages", "download_planning/viewing"):
        assert counts[kind] > 0, kind
    assert counts["identity/marks_of_sources"] == 1, "the account of who left forgets where from"
    assert await purge_sign_ups(world.identity, timedelta(hours=48)) == 1, "a stranger's try at the same address"
    # Limits by network count everybody there, and go when they are over; the worker sweeps now and then.
    for service, retention in (("challenge", ChallengeRetention), ("identity", IdentityRetention)):
        await apply(world.databases[service], world.clock, retention.model_construct().retention_policy())
    after = await found(world, everything.traces)
    assert {name: places for name, places in after.items() if places} == {}
    leaver = everything.leaver
    await leaver.tv.sign_in(leaver.owner)
    assert (await leaver.tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED, "who left lives on"


async def test_the_search_opens_every_sealed_column(world: World) -> None:
    assert await unopened(world) == set()


async def test_a_sealed_column_that_the_search_does_not_open_is_noticed(world: World) -> None:
    """The negative control of the test above."""
    forgotten = "gateway.asker.client"
    assert await unopened(world, {place: each for place, each in OPENED.items() if place != forgotten}) == {forgotten}


async def test_deleting_an_account_in_identity_alone_leaves_most_of_it(world: World) -> None:
    """The negative control: what an erasure looks like that knows one service."""
    everything = await live(world)
    await world.gateway.privacy.erase("identity", UUID(everything.home.account_id))
    left = await found(world, everything.traces)
    assert not any(place.startswith("identity.") for place in left["account id"])
    assert {place.partition(".")[0] for place in left["account id"]} == {
        "device_trust",
        "challenge",
        "download_planning",
        "gateway",
    }
    for name in ("device id", "session id", "hash of a contact in challenge", "hash of a network in device_trust"):
        assert left[name], name


@pytest.mark.parametrize("step", [step for step in STEPS if step is not Step.OVER])
async def test_a_gateway_that_goes_away_in_any_step_is_followed_by_another(
    world: World, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    home = await world.household()
    account_id = UUID(home.account_id)
    traces = {"account id": [str(account_id).encode(), account_id.bytes], "email": [home.owner.email.encode()]}
    _die_after(monkeypatch, step)
    request = pb.EraseAccountAsOperatorRequest(account_id=home.account_id, at_once=True)
    erasure_id = str(erasures.erasure_id_of(world.gateway.digest_key, UUID(home.account_id)))
    died = False
    try:
        await world.privacy_as_operator.EraseAccountAsOperator(request)
    except Exception:
        died = True
    for _ in range(20):
        try:
            await work(world)
        except GatewayGoneError:
            died = True
        if died:
            break
        world.clock.advance(LONG)
    assert died, "the test has killed it"
    assert (await look(world, erasure_id)).next_step == step, "what was done was not noted"
    assert await work(world) == 0, "for a while it belongs to who died"
    monkeypatch.undo()
    assert (await finish(world, erasure_id)).state == pb.ERASURE_STATE_DONE
    assert {name: places for name, places in (await found(world, traces)).items() if places} == {}


async def test_an_erased_account_is_closed_at_once_and_can_be_had_back_until_its_day(
    home: Household, world: World
) -> None:
    stream = (await home.tv.play("film")).stream
    begun = await _erase(home)
    denied = await home.tv.play("film")
    assert (denied.outcome, denied.reasons[0].code) == (
        decision_pb2.OUTCOME_DENIED,
        decision_pb2.REASON_CODE_ACCOUNT_CLOSED,
    )
    assert (await home.tv.renew(stream)).outcome == decision_pb2.OUTCOME_DENIED
    assert (await failure(home.tv.sign_in(home.owner))).reason == "STATE_CONFLICT"
    world.clock.advance(timedelta(days=13))
    assert await work(world) == 0
    cancel = pb.CancelErasureRequest(erasure_id=begun.erasure_id)
    cancelled = (await world.privacy_as_operator.CancelErasure(cancel)).erasure
    assert (cancelled.state, cancelled.next_step) == (pb.ERASURE_STATE_CANCELLED, "")
    assert (await world.privacy_as_operator.CancelErasure(cancel)).erasure == cancelled
    await home.tv.sign_in(home.owner)
    assert (await home.tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED
    world.clock.advance(timedelta(days=30))
    assert await work(world) == 0
    await home.tv.sign_in(home.owner)
    again = await _erase(home)
    assert (again.erasure_id, again.state) == (begun.erasure_id, pb.ERASURE_STATE_WAITING)


async def test_once_deleting_has_begun_there_is_no_way_back(home: Household, world: World) -> None:
    begun = await _erase_as_operator(world, home.account_id, at_once=True)
    world.clock.advance(timedelta(minutes=1))
    await work(world)
    assert (await look(world, begun.erasure_id)).state == pb.ERASURE_STATE_ERASING
    cancel = pb.CancelErasureRequest(erasure_id=begun.erasure_id)
    assert (await failure(world.privacy_as_operator.CancelErasure(cancel))).reason == "STATE_CONFLICT"


async def test_a_repeated_request_gets_the_same_erasure_though_its_session_has_ended(
    home: Household, world: World
) -> None:
    request = _request(home.tv, home.owner.password)
    first = (await world.privacy.EraseAccount(request)).erasure
    assert (await world.privacy.EraseAccount(request)).erasure == first
    other = _request(home.tv, home.owner.password)
    assert (await failure(world.privacy.EraseAccount(other))).reason == "SESSION_UNKNOWN"


async def test_only_a_household_device_with_the_password_may_ask(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    attempts = {
        "wrong password": (_request(home.tv, "not-the-password-at-all"), "CREDENTIALS_REJECTED"),
        "a friend": (_request(friend, home.owner.password), "DEVICE_NOT_TRUSTED"),
    }
    for name, (request, reason) in attempts.items():
        assert (await failure(world.privacy.EraseAccount(request))).reason == reason, name
    as_operator = pb.EraseAccountAsOperatorRequest(account_id=home.account_id)
    assert (await failure(world.privacy.EraseAccountAsOperator(as_operator))).reason == "CALLER_NOT_ALLOWED"
    assert (await home.tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED


async def test_an_operator_asks_again_to_bring_the_day_forward_and_gets_the_receipt_when_it_is_done(
    home: Household, world: World
) -> None:
    later = await _erase(home)
    soon = await _erase_as_operator(world, home.account_id, at_once=True)
    assert soon.erasure_id == later.erasure_id
    assert soon.erase_time.ToDatetime() - world.clock.now().replace(tzinfo=None) == timedelta(minutes=1)
    done = await finish(world, soon.erasure_id)
    assert await _erase_as_operator(world, home.account_id, at_once=True) == done


async def test_an_account_that_is_back_out_of_a_backup_is_erased_again(home: Household, world: World) -> None:
    identity, account_id = world.databases["identity"], UUID(home.account_id)
    account = await identity.fetch_row("select * from account where account_id = $1", account_id)
    assert account is not None
    begun = await _erase_as_operator(world, home.account_id, at_once=True)
    await finish(world, begun.erasure_id)
    places = ", ".join(f"${number}" for number in range(1, len(account) + 1))
    await identity.execute(f"insert into account ({', '.join(account.keys())}) values ({places})", *account.values())  # noqa: S608 - its own columns
    again = await _erase_as_operator(world, home.account_id, at_once=True)
    assert (again.erasure_id, again.state) == (begun.erasure_id, pb.ERASURE_STATE_WAITING)
    await finish(world, again.erasure_id)
    assert await identity.fetch_value("select count(*) from account where account_id = $1", account_id) == 0


async def test_an_unknown_account_has_no_erasure(world: World) -> None:
    request = pb.EraseAccountAsOperatorRequest(account_id=str(uuid4()))
    assert (await failure(world.privacy_as_operator.EraseAccountAsOperator(request))).reason == "NOT_FOUND"
    asked = pb.GetErasureRequest(erasure_id=str(uuid4()))
    assert (await failure(world.privacy.GetErasure(asked))).reason == "NOT_FOUND"


@pytest.mark.parametrize("away", ["challenge", "device_trust", "download_planning", "identity"])
async def test_an_erasure_waits_for_a_service_that_is_away(home: Household, world: World, away: str) -> None:
    begun = await _erase(home)
    world.clock.advance(timedelta(days=14))
    await world.stop(away)
    for _ in range(4):
        await work(world)
        world.clock.advance(LONG)
    assert (await look(world, begun.erasure_id)).state in (pb.ERASURE_STATE_ERASING, pb.ERASURE_STATE_WAITING)
    await world.start(away)
    world.clock.advance(timedelta(hours=1))
    assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE


class TestBoundedAttempts:
    """A step that never succeeds."""

    @pytest.fixture
    def gateway_settings(self) -> dict[str, Any]:
        """Three attempts."""
        return {"erasure_max_attempts": 3}

    async def test_an_erasure_that_keeps_failing_waits_for_an_operator(self, home: Household, world: World) -> None:
        begun = await _erase(home)
        world.clock.advance(timedelta(days=14))
        await world.stop("device_trust")
        failed = await finish(world, begun.erasure_id)
        assert (failed.state, failed.next_step) == (pb.ERASURE_STATE_FAILED, "device_trust")
        world.clock.advance(timedelta(days=1))
        assert await work(world) == 0
        await world.start("device_trust")
        assert (await _erase_as_operator(world, home.account_id, at_once=False)).state == pb.ERASURE_STATE_ERASING
        assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE


async def test_what_arrives_after_an_erasure_brings_nothing_back(home: Household, world: World) -> None:
    account_id, profile_id = home.account_id, home.profile_id
    traces = {"account id": [account_id.encode(), UUID(account_id).bytes]}
    neighbour = await world.household(name="Olga")
    begun = await _erase_as_operator(world, account_id, at_once=True)
    assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE
    both = [_sighting(world, home.tv, account_id), _sighting(world, neighbour.tv, neighbour.account_id)]
    answer = await world.device_trust.RecordSightings(trust_pb.RecordSightingsRequest(sightings=both))
    assert answer.recorded_count == 1, "the neighbour's is taken in"
    viewing = planning_pb.RecordViewingRequest(account_id=account_id, profile_id=profile_id, viewings=[_viewing(world)])
    assert (await failure_of(world.gateway.download_planning.record_viewing(viewing))) == "NOT_FOUND"
    assert {name: places for name, places in (await found(world, traces)).items() if places} == {}
    viewing.account_id = neighbour.account_id
    assert await world.gateway.download_planning.record_viewing(viewing) == 1


async def test_a_viewer_who_came_with_a_profile_leaves_no_mark_where_it_came_from(world: World) -> None:
    await bring_series(world, "harbour", episodes=3)
    host = await world.household()
    ben = await arrive(world, host)
    traces: dict[str, list[bytes]] = {
        "account id": [ben.account_id.encode(), UUID(ben.account_id).bytes],
        "email": [ben.owner.email.encode()],
        "hash of a contact": list(world.identity.keys.email_hashes(ben.owner.email)),
    }
    profile = {"profile id": [ben.profile_id.encode(), UUID(ben.profile_id).bytes]}
    assert "identity.profile" in (await found(world, profile))["profile id"]
    begun = await _erase_as_operator(world, ben.account_id, at_once=True)
    done = await finish(world, begun.erasure_id)
    assert {each.kind: each.count for each in done.counts}["identity/marks_of_moved_profiles"] == 1
    assert {name: places for name, places in (await found(world, traces)).items() if places} == {}
    # What happened on the host's account is the host's, and goes with the host's decisions.
    assert (await found(world, profile))["profile id"] <= {"gateway.decision"}
    assert (await host.tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED


async def test_the_worker_finishes_what_is_due_by_itself(home: Household, world: World) -> None:
    begun = await _erase_as_operator(world, home.account_id, at_once=True)
    async with running(run_erasures(world.gateway, timedelta(milliseconds=10)), name="erasures"):

        async def done() -> bool:
            world.clock.advance(timedelta(minutes=1))
            return (await look(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE

        await world.eventually(done)


async def test_an_address_is_free_again_for_a_new_account(home: Household, world: World) -> None:
    begun = await _erase_as_operator(world, home.account_id, at_once=True)
    await finish(world, begun.erasure_id)
    tv = world.device("New TV")
    sign_up_id = await tv.sign_up(home.owner)
    answer = await tv.complete_sign_up(sign_up_id, await world.code(home.owner.email, "code"))
    assert answer.account_id != home.account_id
    assert (await tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED


class GatewayGoneError(Exception):
    """Stands for the end of the process: nothing of ours catches it."""


def _die_after(monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    """Let the gateway die once a step has had its effect, and before that is noted."""
    move_on, finish_it = erasures.move_on, erasures.finish

    async def dying_move_on(executor: Any, erasure: Any, *args: Any, **kwargs: Any) -> Any:
        if erasure.step is step:
            raise GatewayGoneError
        return await move_on(executor, erasure, *args, **kwargs)

    async def dying_finish(executor: Any, erasure: Any, *args: Any) -> Any:
        if erasure.step is step:
            raise GatewayGoneError
        return await finish_it(executor, erasure, *args)

    monkeypatch.setattr(erasures, "move_on", dying_move_on)
    monkeypatch.setattr(erasures, "finish", dying_finish)


async def failure_of(awaitable: Any) -> str:
    """The reason with which one of the gateway's clients fails."""
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value.reason


def _request(device: Device, password: str) -> pb.EraseAccountRequest:
    return pb.EraseAccountRequest(**once(device), password=password)


async def _erase(home: Household) -> pb.Erasure:
    return (await home.world.privacy.EraseAccount(_request(home.tv, home.owner.password))).erasure


async def _erase_as_operator(world: World, account_id: str, *, at_once: bool) -> pb.Erasure:
    request = pb.EraseAccountAsOperatorRequest(account_id=account_id, at_once=at_once)
    return (await world.privacy_as_operator.EraseAccountAsOperator(request)).erasure


def _sighting(world: World, device: Device, account_id: str) -> trust_pb.Sighting:
    sighting = trust_pb.Sighting(
        sighting_id=str(uuid4()),
        account_id=account_id,
        kind=trust_pb.SIGHTING_KIND_START,
        client=device.context(),
    )
    sighting.event_time.FromDatetime(world.clock.now())
    return sighting


def _viewing(world: World) -> planning_pb.Viewing:
    viewing = planning_pb.Viewing(
        viewing_id=str(uuid4()), title_id="film", device_id="late", state=planning_pb.VIEWING_STATE_FINISHED
    )
    viewing.event_time.FromDatetime(world.clock.now())
    return viewing

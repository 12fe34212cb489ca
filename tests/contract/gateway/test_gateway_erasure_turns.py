"""An erasure's turns: what nobody but it may undo, who lost it and comes late, and what starts while it deletes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from hearthgate.gateway.v1 import decision_pb2
from hearthgate.gateway.v1 import privacy_service_pb2 as pb
from hearthgate.identity.v1 import identity_service_pb2 as identity_pb
from services.gateway.erasures import carry_on, claim
from services.gateway.storage import decisions, erasures
from tests.contract.gateway import member_world
from tests.contract.gateway.erasing_world import LONG, finish, look, work
from tests.contract.gateway.gateway_world import Household, World, failure, hold_once, once
from tests.contract.gateway.searching import found

ACTIVE, ON_HOLD = identity_pb.ACCOUNT_STATE_ACTIVE, identity_pb.ACCOUNT_STATE_ON_HOLD


@pytest.mark.parametrize("state", [ACTIVE, ON_HOLD])
async def test_support_and_billing_open_no_account_that_is_to_be_erased_and_it_is_erased_on_its_day(
    home: Household, world: World, state: identity_pb.AccountState.ValueType
) -> None:
    begun = await _erase(home)
    assert (await failure(home.set_state(state))).reason == "STATE_CONFLICT"
    assert (await failure(home.tv.sign_in(home.owner))).reason == "STATE_CONFLICT"
    world.clock.advance(timedelta(days=14))
    assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE


@pytest.mark.parametrize("state", [ACTIVE, ON_HOLD])
async def test_an_account_that_is_open_on_its_day_is_not_erased(
    home: Household, world: World, state: identity_pb.AccountState.ValueType
) -> None:
    """Out of a backup of identity, or by a hand in its database."""
    begun = await _erase(home)
    by_hand = "update account set state = $2 where account_id = $1"
    name = identity_pb.AccountState.Name(state).removeprefix("ACCOUNT_STATE_")
    await world.databases["identity"].execute(by_hand, UUID(home.account_id), name)
    world.clock.advance(timedelta(days=14))
    await work(world)
    called_off = await look(world, begun.erasure_id)
    assert (called_off.state, called_off.next_step, list(called_off.counts)) == (pb.ERASURE_STATE_CANCELLED, "", [])
    kinds = await world.databases["identity"].fetch(
        "select e.kind from audit_subject s join audit_event e using (subject_id) "
        "where s.account_id = $1 order by e.sequence desc limit 1",
        UUID(home.account_id),
    )
    assert kinds[0]["kind"] == "ERASURE_CALLED_OFF"
    await home.tv.sign_in(home.owner)
    assert (await home.tv.play("film")).outcome == (
        decision_pb2.OUTCOME_ALLOWED if state == ACTIVE else decision_pb2.OUTCOME_DENIED
    )


async def test_a_member_whose_erasure_is_called_off_plays_again_when_the_host_is_in_good_order(
    home: Household, world: World
) -> None:
    _, tv, ben, account_id = await member_world.member(home, world)
    await home.set_state(ON_HOLD)
    begun = await _erase_as_operator(world, account_id)
    await world.privacy_as_operator.CancelErasure(pb.CancelErasureRequest(erasure_id=begun.erasure_id))
    await home.set_state(ACTIVE)
    await tv.sign_in(ben)
    assert (await tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED


async def test_a_worker_that_lost_its_lease_closes_nothing_that_was_called_off(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold_once(monkeypatch, world.gateway.privacy, "close_account")
    late = asyncio.create_task(_erase_as_operator(world, home.account_id))
    await gate.held.wait()
    world.clock.advance(LONG)
    erasure_id = str(erasures.erasure_id_of(world.gateway.digest_key, UUID(home.account_id)))
    cancelled = await world.privacy_as_operator.CancelErasure(pb.CancelErasureRequest(erasure_id=erasure_id))
    gate.release.set()
    assert (await late).state == pb.ERASURE_STATE_CANCELLED, "it says what became of it"
    assert (await look(world, erasure_id)) == cancelled.erasure
    await home.tv.sign_in(home.owner)
    assert (await home.tv.play("film")).outcome == decision_pb2.OUTCOME_ALLOWED
    # The control: the same call, had it not been overtaken, closes the account.
    fence = await world.databases["gateway"].fetch_value("select fence from erasure")
    await world.gateway.privacy.close_account(UUID(home.account_id), fence)
    assert (await failure(home.tv.sign_in(home.owner))).reason == "STATE_CONFLICT"


async def test_a_worker_that_lost_its_lease_disturbs_nobody_who_took_the_erasure_over(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await _erase_as_operator(world, home.account_id)
    world.clock.advance(timedelta(days=14))
    gate = hold_once(monkeypatch, world.gateway.privacy, "erase")
    (mine,) = await claim(world.gateway, 10)
    late = asyncio.create_task(carry_on(world.gateway, mine))
    await gate.held.wait()
    world.clock.advance(LONG)
    (other,) = await claim(world.gateway, 10)
    assert other.fence > mine.fence
    now = world.clock.now()
    gate.release.set()
    await late
    assert not await erasures.postpone(world.databases["gateway"], mine, now, now, {})
    await erasures.release(world.databases["gateway"], mine, now)
    assert await claim(world.gateway, 10) == [], "it is the other's"
    await carry_on(world.gateway, other)
    assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE


async def test_a_start_that_was_under_way_while_everything_was_deleted_leaves_nothing_behind(
    home: Household, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = {"account id": [home.account_id.encode(), UUID(home.account_id).bytes]}
    begun = await _erase(home)
    gate = hold_once(monkeypatch, decisions, "insert")
    start = asyncio.create_task(home.tv.play("film"))
    await gate.held.wait()
    world.clock.advance(timedelta(days=14))
    while (await look(world, begun.erasure_id)).next_step != "settle_again":
        await work(world)
        world.clock.advance(timedelta(minutes=1))
    gate.release.set()
    assert (await start).outcome == decision_pb2.OUTCOME_DENIED
    assert "gateway.decision" in (await found(world, traces))["account id"], "deleting once leaves it there"
    assert (await finish(world, begun.erasure_id)).state == pb.ERASURE_STATE_DONE
    assert (await found(world, traces))["account id"] == set()


async def _erase(home: Household) -> pb.Erasure:
    request = pb.EraseAccountRequest(**once(home.tv), password=home.owner.password)
    return (await home.world.privacy.EraseAccount(request)).erasure


async def _erase_as_operator(world: World, account_id: str) -> pb.Erasure:
    request = pb.EraseAccountAsOperatorRequest(account_id=account_id)
    return (await world.privacy_as_operator.EraseAccountAsOperator(request)).erasure

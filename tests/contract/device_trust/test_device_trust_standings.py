"""What devices are to an account, told through AssessDevice, ConfirmDevice and DeferVerification."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hearthgate.common.v1 import standing_pb2 as common
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.runtime.errors import ErrorReason
from tests.contract.device_trust.device_trust_world import FRIEND, HOME, HOTEL, World, client, everything, expect

CREATED = pb.CONFIRMATION_BASIS_ACCOUNT_CREATED
HOUSEHOLD_CODE = pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE
OWNER_CODE = pb.CONFIRMATION_BASIS_OWNER_CODE
TRUSTED_DEVICE = pb.CONFIRMATION_BASIS_TRUSTED_DEVICE


async def test_a_device_of_an_account_never_seen_before_is_watched_plays_and_is_unscored(world: World) -> None:
    assessment = await world.assess(client("tv"))
    assert assessment.standing == common.STANDING_UNCONFIRMED
    assert (assessment.can_defer, assessment.can_use_code, assessment.known_device) == (False, False, False)
    # For a fortnight at the least.
    assert assessment.expire_time.ToDatetime() >= (world.clock.now() + timedelta(days=14)).replace(tzinfo=None)
    assert not any(assessment.scores.HasField(name) for name in ("household", "outsider", "thief"))
    assert not assessment.factors
    assert assessment.policy_version == world.context.policy.version


async def test_an_unknown_device_of_an_account_whose_making_was_seen_is_asked_and_may_verify(world: World) -> None:
    await world.create_account()
    assessment = await world.assess(client("friend", FRIEND))
    assert assessment.standing == common.STANDING_UNCONFIRMED
    assert (assessment.can_defer, assessment.can_use_code, assessment.known_device) == (True, True, False)
    assert not assessment.HasField("expire_time")
    assert all(0 <= score <= 1 for score in (assessment.scores.outsider, assessment.scores.thief))
    assert assessment.scores.HasField("household")


async def test_the_account_s_first_device_is_of_the_household_and_its_network_a_residence(world: World) -> None:
    assert (await world.create_account()).standing == common.STANDING_HOUSEHOLD
    visitor = await world.assess(client("another-tv"))
    assert visitor.standing == common.STANDING_HOUSEHOLD
    assert "network" in [factor.name for factor in visitor.factors]
    assert visitor.scores.household > 0.5
    (residence,) = (await world.household()).residences
    assert (residence.declared, residence.country_code) == (False, "DE")


async def test_a_neighbouring_address_of_the_same_prefix_is_the_same_network(world: World) -> None:
    await world.confirm(client("founder", "2001:db8:12:3400::1"), CREATED)
    near = await world.assess(client("tv", "2001:db8:12:34ff::9"))
    far = await world.assess(client("tv", "2001:db8:12:3500::1"))
    assert (near.standing, far.standing) == (common.STANDING_HOUSEHOLD, common.STANDING_UNCONFIRMED)


async def test_an_account_is_made_on_one_device_only(world: World) -> None:
    await world.create_account("founder")
    await world.create_account("founder")
    with expect(ErrorReason.STATE_CONFLICT):
        await world.confirm(client("friend", FRIEND), CREATED)


async def test_a_household_code_buys_a_guest_lease_that_ends(world: World) -> None:
    await world.create_account()
    guest = await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)
    assert guest.standing == common.STANDING_GUEST
    assert guest.expire_time.ToDatetime() == (world.clock.now() + timedelta(days=14)).replace(tzinfo=None)
    assert (guest.can_defer, guest.can_use_code, guest.allowances.guest_leases_left) == (False, False, 1)
    world.clock.advance(timedelta(days=14))
    ended = await world.assess(client("friend", FRIEND))
    assert ended.standing == common.STANDING_UNCONFIRMED
    assert ended.can_use_code
    assert not ended.HasField("expire_time")


async def test_confirming_again_while_a_lease_runs_extends_nothing_and_costs_nothing(world: World) -> None:
    await world.create_account()
    first = await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)
    world.clock.advance(timedelta(days=3))
    again = await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)
    assert again.expire_time == first.expire_time
    assert again.allowances == first.allowances


async def test_confirming_a_device_of_the_household_costs_nothing(world: World) -> None:
    await world.create_account()
    confirmed = await world.confirm(client("tv"), HOUSEHOLD_CODE)
    assert confirmed.standing == common.STANDING_HOUSEHOLD
    assert (await world.household()).allowances.guest_leases_left == 3


async def test_swapping_devices_on_one_network_refills_neither_leases_nor_deferrals(world: World) -> None:
    await world.create_account()
    await world.defer(client("friend-1", FRIEND))
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED, allowance="deferrals"):
        await world.defer(client("friend-2", FRIEND))
    for number in (1, 2):
        await world.confirm(client(f"friend-{number}", FRIEND), HOUSEHOLD_CODE)
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED, allowance="guest_leases"):
        await world.confirm(client("friend-3", FRIEND), HOUSEHOLD_CODE)
    refused = await world.assess(client("friend-3", FRIEND))
    assert (refused.can_defer, refused.can_use_code) == (False, False)
    assert (await world.household()).allowances.guest_leases_left == 1


async def test_swapping_networks_refills_nothing_beyond_the_account_s_allowance_until_the_period_is_over(
    world: World,
) -> None:
    await world.create_account()
    for number in range(3):
        await world.confirm(client(f"guest-{number}", f"198.51.{number}.1"), HOUSEHOLD_CODE)
    late = client("late", "198.51.9.1")
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED, allowance="guest_leases"):
        await world.confirm(late, HOUSEHOLD_CODE)
    world.clock.advance(timedelta(days=90))
    assert (await world.confirm(late, HOUSEHOLD_CODE)).standing == common.STANDING_GUEST


async def test_a_deferral_has_a_deadline_after_which_only_a_code_lets_the_device_in(
    world: World,
) -> None:
    await world.create_account()
    deferred = await world.defer(client("friend", FRIEND))
    assert deferred.standing == common.STANDING_UNCONFIRMED
    assert deferred.expire_time.ToDatetime() == (world.clock.now() + timedelta(days=7)).replace(tzinfo=None)
    assert (deferred.can_defer, deferred.can_use_code) == (False, True)
    again = await world.defer(client("friend", FRIEND))
    assert (again.expire_time, again.allowances) == (deferred.expire_time, deferred.allowances)
    world.clock.advance(timedelta(days=7))
    outside = await world.assess(client("friend", FRIEND))
    assert (outside.standing, outside.can_defer, outside.can_use_code) == (common.STANDING_OUTSIDE, False, True)
    with expect(ErrorReason.STATE_CONFLICT):
        await world.defer(client("friend", FRIEND))
    assert (await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)).standing == common.STANDING_GUEST


async def test_an_unknown_device_abroad_is_suspect_whatever_a_household_code_buys(world: World) -> None:
    await world.create_account()
    thief = client("thief", HOTEL, "BR")
    suspect = await world.assess(thief)
    assert (suspect.standing, suspect.can_defer, suspect.can_use_code) == (common.STANDING_SUSPECT, False, True)
    assert suspect.scores.thief > suspect.scores.household
    assert (await world.confirm(thief, HOUSEHOLD_CODE)).standing == common.STANDING_SUSPECT
    assert (await world.household()).allowances.guest_leases_left == 3
    with expect(ErrorReason.STATE_CONFLICT):
        await world.defer(thief)
    # A lease bought at the friend's home does not survive the border either.
    await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)
    assert (await world.assess(client("friend", HOTEL, "BR"))).standing == common.STANDING_SUSPECT


@pytest.mark.parametrize("basis", [OWNER_CODE, TRUSTED_DEVICE])
async def test_the_owner_s_word_clears_a_suspect_and_buys_a_lease(
    world: World, basis: pb.ConfirmationBasis.ValueType
) -> None:
    await world.create_account()
    phone = client("new-phone", HOTEL, "BR")
    assert (await world.confirm(phone, basis)).standing == common.STANDING_GUEST
    world.clock.advance(timedelta(days=15))
    assert (await world.assess(phone)).standing == common.STANDING_UNCONFIRMED


async def test_the_owner_s_word_clears_even_when_no_lease_is_left_and_an_invited_device_needs_one(world: World) -> None:
    await world.create_account()
    for number in range(3):
        await world.confirm(client(f"guest-{number}", f"198.51.{number}.1"), HOUSEHOLD_CODE)
    with expect(ErrorReason.ALLOWANCE_EXHAUSTED, allowance="guest_leases"):
        await world.confirm(client("friend", FRIEND), TRUSTED_DEVICE)
    for name, basis in (("tablet", TRUSTED_DEVICE), ("phone", OWNER_CODE)):
        assert (await world.assess(client(name, HOTEL, "BR"))).standing == common.STANDING_SUSPECT
        cleared = await world.confirm(client(name, HOTEL, "BR"), basis)
        assert (cleared.standing, cleared.can_use_code) == (common.STANDING_UNCONFIRMED, False)


async def test_a_member_abroad_travels_and_is_asked_again_two_months_after_its_one_day_at_home(world: World) -> None:
    await world.create_account()
    await world.record(world.sighting(client("phone")))
    assert (await world.assess(client("phone", HOTEL))).standing == common.STANDING_HOUSEHOLD
    assert (await world.assess(client("phone", HOTEL, ""))).standing == common.STANDING_HOUSEHOLD
    assert (await world.assess(client("phone", HOTEL, "BR"))).standing == common.STANDING_TRAVELLING
    world.clock.advance(timedelta(days=62))
    assert (await world.assess(client("phone", HOTEL, "BR"))).standing == common.STANDING_TRAVELLING
    world.clock.advance(timedelta(days=1))
    assert (await world.assess(client("phone", HOTEL, "BR"))).standing == common.STANDING_UNCONFIRMED
    assert (await world.assess(client("founder", HOTEL, "BR"))).standing == common.STANDING_TRAVELLING
    assert (await world.assess(client("phone", HOME))).standing == common.STANDING_HOUSEHOLD


async def test_a_lease_teaches_nothing_about_living_here(world: World) -> None:
    await world.create_account()
    await world.confirm(client("friend", FRIEND), HOUSEHOLD_CODE)
    await world.record(world.sighting(client("friend", FRIEND)))
    world.clock.advance(timedelta(days=14))
    assert (await world.assess(client("friend", FRIEND))).standing == common.STANDING_UNCONFIRMED
    assert len((await world.household()).residences) == 1


async def test_assessing_changes_nothing(world: World) -> None:
    await world.create_account()
    before = await world.devices(), await everything(world)
    world.clock.advance(timedelta(hours=1))
    await world.assess(client("founder", FRIEND))
    await world.assess(client("never-recorded"))
    await world.another_account().assess(client("tv"))
    assert (await world.devices(), await everything(world)) == before

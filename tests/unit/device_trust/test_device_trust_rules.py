"""The rules by themselves: properties that hold for any history, and the corners that examples show best."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from libs.runtime.errors import ErrorReason, ServiceError
from services.device_trust.domain.allowances import allowances_left, travel_days
from services.device_trust.domain.assessment import assess
from services.device_trust.domain.confirmation import confirm, defer
from services.device_trust.domain.facts import Facts, Household, look, look_again
from services.device_trust.domain.history import encode
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import (
    AllowanceKind,
    AllowanceUse,
    Client,
    ConfirmationBasis,
    Device,
    NetworkHash,
    Residence,
    RevocationReason,
    Standing,
    Travel,
    see,
)
from services.device_trust.domain.standing import judge, running_deadline
from tests.contract.device_trust.device_trust_lives import CLOSENESS, START, Life, network, seen
from tests.contract.device_trust.device_trust_world import PINNED, PLAIN

LENGTH: Final = 40
NOW: Final = START + timedelta(days=LENGTH)
PLACES: Final = {"home": "DE", "friend": "DE", "hotel": "FR", "beach": "BR"}
NETWORKS: Final = [network(place) for place in PLACES]
POLICY: Final = PINNED
TOLERANT: Final = replace(PINNED, tolerated_days=5, tolerated_days_account=12)
policies = st.sampled_from([POLICY, TOLERANT])
countries = st.sampled_from([None, "DE", "FR", "BR"])
networks = st.sampled_from(NETWORKS)
past = st.timedeltas(timedelta(), timedelta(days=200)).map(lambda ago: NOW - ago)
future = st.timedeltas(timedelta(), timedelta(days=30)).map(lambda ahead: NOW + ahead)
moments = st.one_of(past, future)


def maybe(strategy: st.SearchStrategy[datetime]) -> st.SearchStrategy[datetime | None]:
    return st.one_of(st.none(), strategy)


@st.composite
def devices(draw: st.DrawFn) -> Device:
    seen = sorted((draw(past), draw(past)))
    revoked = draw(maybe(past)) if draw(st.booleans()) else None
    return Device(
        device_id="tv",
        kind="TV",
        name="",
        platform="TIZEN",
        first_seen_time=seen[0],
        last_seen_time=seen[1],
        last_network=draw(networks),
        last_country=draw(countries),
        member_since=draw(maybe(past)),
        last_home_time=draw(maybe(past)),
        cleared_time=draw(maybe(past)),
        guest_until=draw(maybe(moments)),
        deferral_deadline=draw(maybe(moments)),
        revoked_time=revoked,
        revocation_reason=RevocationReason.BY_OWNER if revoked else None,
    )


residences = st.builds(
    Residence,
    residence_id=st.integers(1, 99).map(lambda number: UUID(int=number)),
    network=networks,
    country=countries,
    declared=st.booleans(),
    name=st.just(""),
    last_seen_time=past,
)
travels = st.tuples(countries, moments, moments).map(
    lambda parts: Travel(country=parts[0] or "PT", start_time=min(parts[1:]), end_time=max(parts[1:]))
)
uses = st.builds(AllowanceUse, kind=st.sampled_from(AllowanceKind), network=networks, used_time=past)
stays = st.tuples(
    st.sampled_from(["tv", "tablet", "mother"]), st.sampled_from(sorted(PLACES)), st.integers(0, 30), st.integers(1, 9)
)


def client_at(place: str, country: str | None) -> Client:
    return seen("tv", place, country=country)


@st.composite
def households(draw: st.DrawFn) -> Household:
    """Accounts met midway or made before our eyes, with or without a life that was seen."""
    life = Life()
    if draw(st.booleans()):
        life.founded()
    for device, place, first, length in draw(st.lists(stays, max_size=5)):
        life.stay(seen(device, place, country=PLACES[place]), range(first, first + length))
    return Household(
        history=life.history,
        residences=tuple(draw(st.lists(residences, max_size=3, unique_by=lambda each: each.network))),
        travels=tuple(draw(st.lists(travels, max_size=3))),
        uses=tuple(draw(st.lists(uses, max_size=6))),
    )


@st.composite
def histories(draw: st.DrawFn, policy: st.SearchStrategy[Policy] = policies) -> tuple[Facts, Policy]:
    place = draw(st.sampled_from(sorted(PLACES)))
    device = draw(st.one_of(st.none(), devices()))
    rules = draw(policy)
    return look(draw(households()), device, client_at(place, draw(countries)), NOW, rules, PLAIN), rules


@st.composite
def suspects(draw: st.DrawFn) -> tuple[Facts, Policy]:
    """Devices that nobody vouched for, seen in a country where the household never was."""
    life = Life().founded()
    life.stay(seen("living-room"), range(LENGTH))
    stranger = draw(st.one_of(st.none(), devices()))
    if stranger is not None:
        stranger = replace(stranger, member_since=None, last_home_time=None, cleared_time=None)
        stranger = replace(stranger, revoked_time=None, revocation_reason=None)
    uses_left = tuple(draw(st.lists(uses, max_size=6)))
    household = Household(history=life.history, residences=life.residences, uses=uses_left)
    policy = draw(policies)
    client = client_at("beach", draw(st.sampled_from(["FR", "BR"])))
    return look(household, stranger, client, NOW, policy, PLAIN), policy


def changed(facts: Facts, policy: Policy, *, device: Device | None = None, **household: object) -> Facts:
    """The facts with another device, or with something else of the household."""
    whole = replace(facts.household, **household)  # type: ignore[arg-type]  # its own fields
    device = device or facts.device
    if device is None:
        return look(whole, None, facts.client, facts.now, policy, PLAIN)
    return look_again(facts, device, whole, policy, PLAIN)


def closeness(facts: Facts, policy: Policy) -> int:
    return CLOSENESS.index(judge(facts, policy).standing)


def home(facts: Facts) -> Residence:
    client = facts.client
    return Residence(
        residence_id=UUID(int=100),
        network=client.network,
        country=client.country,
        declared=True,
        name="",
        last_seen_time=NOW,
    )


Case = tuple[Facts, Policy]


@given(histories())
def test_every_history_has_exactly_one_standing_and_an_end_only_where_one_is_due(case: Case) -> None:
    facts, policy = case
    verdict = judge(facts, policy)
    assert verdict.standing in Standing
    if verdict.expire_time is not None:
        assert verdict.standing in (Standing.GUEST, Standing.UNCONFIRMED)
        assert verdict.expire_time > facts.now
    assert (verdict.standing is Standing.GUEST) <= (verdict.expire_time is not None)


@given(histories(), past)
def test_being_seen_at_home_never_makes_a_device_less_of_the_household(case: Case, at: datetime) -> None:
    facts, policy = case
    at_home = changed(facts, policy, device=see(facts.device, facts.client, at, at_home=True))
    assert closeness(at_home, policy) >= closeness(facts, policy)


@given(histories(), past)
def test_the_account_having_been_made_on_a_device_never_makes_it_less_of_the_household(
    case: Case, at: datetime
) -> None:
    facts, policy = case
    device = replace(see(facts.device, facts.client, at), member_since=at)
    assert closeness(changed(facts, policy, device=device), policy) >= closeness(facts, policy)


@given(histories())
def test_a_residence_where_the_device_is_never_makes_it_less_of_the_household(case: Case) -> None:
    facts, policy = case
    others = tuple(each for each in facts.household.residences if each.network != facts.client.network)
    at_home = changed(facts, policy, residences=(*others, home(facts)))
    assert closeness(at_home, policy) >= closeness(facts, policy)


@given(histories(), residences)
def test_another_residence_elsewhere_never_makes_a_device_less_of_the_household(
    case: Case, residence: Residence
) -> None:
    facts, policy = case
    # The first residence of all is what gives "abroad" a meaning; from then on more of them only help.
    assume(facts.household.residences)
    more = changed(facts, policy, residences=(*facts.household.residences, residence))
    assert closeness(more, policy) >= closeness(facts, policy)


@given(histories(), travels)
def test_declared_travel_never_makes_a_device_less_of_the_household(case: Case, travel: Travel) -> None:
    facts, policy = case
    travelling = changed(facts, policy, travels=(*facts.household.travels, travel))
    assert closeness(travelling, policy) >= closeness(facts, policy)


@given(suspects())
def test_a_household_code_never_turns_suspicion_into_anything_else_and_is_not_charged_for_it(case: Case) -> None:
    facts, policy = case
    assert judge(facts, policy).standing is Standing.SUSPECT
    purchase = confirm(facts, ConfirmationBasis.HOUSEHOLD_CODE, policy)
    assert judge(changed(facts, policy, device=purchase.device), policy).standing is Standing.SUSPECT
    assert purchase.use is None
    with pytest.raises(ServiceError) as refused:
        defer(facts, policy)
    assert refused.value.reason is ErrorReason.STATE_CONFLICT


@given(suspects(), travels)
def test_declared_travel_to_that_country_excuses_a_suspect_while_it_runs(case: Case, travel: Travel) -> None:
    facts, policy = case
    there = replace(travel, country=facts.client.country or "")
    standing = judge(changed(facts, policy, travels=(there,)), policy).standing
    assert (standing is Standing.SUSPECT) is not there.runs(facts.now)


@given(suspects(), st.floats(0.01, 1))
def test_the_threshold_alone_says_which_score_is_theft(case: Case, threshold: float) -> None:
    facts, policy = case
    score = facts.scoring.scores.thief
    assert score is not None
    standing = judge(facts, replace(policy, thief_threshold=threshold)).standing
    assert (standing is Standing.SUSPECT) is (score >= threshold)


@given(histories())
def test_a_household_code_or_a_deferral_never_clears_nor_makes_a_member(case: Case) -> None:
    facts, policy = case
    for buy in (partial(confirm, facts, ConfirmationBasis.HOUSEHOLD_CODE, policy), partial(defer, facts, policy)):
        try:
            device = buy().device
        except ServiceError:
            continue
        before = facts.device
        assert device.cleared_time == (before.cleared_time if before else None)
        assert device.member_since == (before.member_since if before else None)
        assert device.last_home_time == (before.last_home_time if before else None)


@given(suspects(), st.sampled_from([ConfirmationBasis.OWNER_CODE, ConfirmationBasis.TRUSTED_DEVICE]))
def test_the_owner_s_word_clears_suspicion_even_where_no_guest_lease_is_left(
    case: Case, basis: ConfirmationBasis
) -> None:
    facts, policy = case
    purchase = confirm(facts, basis, policy)
    assert judge(changed(facts, policy, device=purchase.device), policy).standing is not Standing.SUSPECT


@given(histories(), st.sampled_from(ConfirmationBasis))
def test_what_is_bought_is_what_the_assessment_offered(case: Case, basis: ConfirmationBasis) -> None:
    facts, policy = case
    offered = assess(facts, policy)
    try:
        purchase = confirm(facts, basis, policy)
    except ServiceError as error:
        if error.reason is ErrorReason.ALLOWANCE_EXHAUSTED:
            assert not offered.can_use_code
        return
    if purchase.use is not None:
        assert offered.allowances.guest_leases_left > 0
        # A device that plays on a deferral may buy what others are offered.
        assert offered.can_use_code or running_deadline(facts.device, policy) is not None
    try:
        deferred = defer(facts, policy)
    except ServiceError:
        assert not offered.can_defer
    else:
        assert (deferred.use is not None) == offered.can_defer


@given(histories(), st.integers(0, 20))
def test_what_is_bought_ends_within_the_days_that_are_left_for_guests(case: Case, days: int) -> None:
    facts, policy = case
    policy = replace(policy, guest_days_90=days)
    used = facts.evidence.guest_days_90
    last = NOW + timedelta(days=max(0, days - used) - 1)
    for buy in (partial(confirm, facts, ConfirmationBasis.HOUSEHOLD_CODE, policy), partial(defer, facts, policy)):
        try:
            purchase = buy()
        except ServiceError:
            continue
        if purchase.use is not None:
            bought = purchase.use.kind is AllowanceKind.GUEST_LEASE
            until = purchase.device.guest_until if bought else purchase.device.deferral_deadline
            assert until is not None
            assert NOW < until <= last


@given(histories(), networks)
def test_allowances_are_never_negative_and_never_more_on_a_network_than_on_the_account(
    case: Case, somewhere: NetworkHash
) -> None:
    facts, policy = case
    here = allowances_left(facts.household, facts.now, policy, network=somewhere)
    whole = allowances_left(facts.household, facts.now, policy, network=None)
    assert 0 <= here.guest_leases_left <= whole.guest_leases_left <= policy.guest_leases_per_account
    assert 0 <= here.deferrals_left <= whole.deferrals_left <= policy.deferrals_per_account
    assert 0 <= here.travel_days_left <= policy.travel_days_per_year


@given(histories())
def test_scores_are_probabilities_and_stand_only_on_factors(case: Case) -> None:
    scoring = case[0].scoring
    scores = [scoring.scores.household, scoring.scores.outsider, scoring.scores.thief]
    assert all(score is None or 0 <= score <= 1 for score in scores)
    assert len({score is None for score in scores}) == 1
    assert (scoring.scores.household is not None) or not scoring.factors
    assert all(factor.name and factor.description for factor in scoring.factors)


@given(histories(), devices())
def test_looking_and_judging_changes_no_history(case: Case, device: Device) -> None:
    facts, policy = case
    before = encode(facts.household.history)
    assess(look(facts.household, device, facts.client, NOW, policy, PLAIN), policy)
    assert encode(facts.household.history) == before


@given(st.lists(st.tuples(past, networks, st.booleans()), min_size=1, max_size=8), st.randoms())
@example([(NOW, NETWORKS[0], True), (NOW - timedelta(days=1), NETWORKS[1], False)], None)
def test_the_order_in_which_sightings_arrive_does_not_matter(
    sightings: list[tuple[datetime, NetworkHash, bool]], random: object
) -> None:
    assume(len({at for at, _, _ in sightings}) == len(sightings))
    shuffled = list(reversed(sightings))
    if random is not None:
        random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random
    assert fold_all(sightings) == fold_all(shuffled)


def fold_all(sightings: list[tuple[datetime, NetworkHash, bool]]) -> Device:
    device: Device | None = None
    for at, somewhere, at_home in sightings:
        client = Client(device_id="tv", kind="TV", name="", platform="TIZEN", network=somewhere)
        device = see(device, client, at, at_home=at_home)
    assert device is not None
    return device


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (NOW, NOW, 1),
        (NOW, NOW + timedelta(hours=13), 2),
        (NOW.replace(hour=0), NOW.replace(hour=23), 1),
        (NOW, NOW + timedelta(days=7), 8),
    ],
)
def test_begun_days_of_travel_count_whole(start: datetime, end: datetime, days: int) -> None:
    assert travel_days(Travel(country="BR", start_time=start, end_time=end)) == days

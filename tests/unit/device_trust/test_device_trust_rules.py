"""The rules by themselves: properties that hold for any history, and the corners that examples show best."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.records import (
    AllowanceKind,
    AllowanceUse,
    Client,
    ConfirmationBasis,
    Device,
    Facts,
    NetworkHash,
    Residence,
    RevocationReason,
    Standing,
    Travel,
    see,
)
from services.device_trust.domain.scoring import score_known_network
from services.device_trust.domain.standing import judge

NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
NETWORKS: Final = [NetworkHash(bytes([number]) * 16) for number in range(4)]
POLICY: Final = Policy()
CLOSENESS: Final = [
    Standing.REVOKED,
    Standing.SUSPECT,
    Standing.OUTSIDE,
    Standing.UNCONFIRMED,
    Standing.GUEST,
    Standing.TRAVELLING,
    Standing.HOUSEHOLD,
]
"""From the least of the household to the most."""

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
histories = st.builds(
    Facts,
    now=st.just(NOW),
    network=networks,
    country=countries,
    device=st.one_of(st.none(), devices()),
    residences=st.lists(residences, max_size=3, unique_by=lambda each: each.network).map(tuple),
    travels=st.lists(travels, max_size=3).map(tuple),
    uses=st.lists(uses, max_size=6).map(tuple),
)


@st.composite
def suspects(draw: st.DrawFn) -> Facts:
    """Histories of devices that nobody vouched for, seen in a country that is not the household's."""
    facts = draw(histories)
    elsewhere = [network for network in NETWORKS if network != facts.network]
    homes = [
        replace(each, country="DE", network=network)
        for each, network in zip((*facts.residences, home(facts)), elsewhere, strict=False)
    ]
    stranger = facts.device
    if stranger is not None:
        stranger = replace(stranger, member_since=None, last_home_time=None, cleared_time=None)
        stranger = replace(stranger, revoked_time=None, revocation_reason=None)
    country = draw(st.sampled_from(["FR", "BR"]))
    return replace(facts, device=stranger, residences=tuple(homes), travels=(), country=country)


def client_of(facts: Facts) -> Client:
    return Client(device_id="tv", kind="TV", name="", platform="TIZEN", network=facts.network, country=facts.country)


def closeness(facts: Facts) -> int:
    return CLOSENESS.index(judge(facts, POLICY).standing)


def home(facts: Facts) -> Residence:
    country = facts.country
    return Residence(
        residence_id=UUID(int=100), network=facts.network, country=country, declared=True, name="", last_seen_time=NOW
    )


@given(histories)
def test_every_history_has_exactly_one_standing_and_an_end_only_where_one_is_due(facts: Facts) -> None:
    verdict = judge(facts, POLICY)
    assert verdict.standing in Standing
    if verdict.expire_time is not None:
        assert verdict.standing in (Standing.GUEST, Standing.UNCONFIRMED)
        assert verdict.expire_time > facts.now
    assert (verdict.standing is Standing.GUEST) <= (verdict.expire_time is not None)


@given(histories, past)
def test_being_seen_at_home_never_makes_a_device_less_of_the_household(facts: Facts, at: datetime) -> None:
    client = client_of(facts)
    seen = replace(facts, device=see(facts.device, client, at, at_home=True))
    assert closeness(seen) >= closeness(facts)


@given(histories, past)
def test_the_account_having_been_made_on_a_device_never_makes_it_less_of_the_household(
    facts: Facts, at: datetime
) -> None:
    assume(facts.device is not None)
    assert facts.device is not None
    assert closeness(replace(facts, device=replace(facts.device, member_since=at))) >= closeness(facts)


@given(histories)
def test_a_residence_where_the_device_is_never_makes_it_less_of_the_household(facts: Facts) -> None:
    others = tuple(each for each in facts.residences if each.network != facts.network)
    assert closeness(replace(facts, residences=(*others, home(facts)))) >= closeness(facts)


@given(histories, residences)
def test_another_residence_elsewhere_never_makes_a_device_less_of_the_household(
    facts: Facts, residence: Residence
) -> None:
    # The first residence of all is what gives "abroad" a meaning; from then on more of them only help.
    assume(facts.residences)
    assert closeness(replace(facts, residences=(*facts.residences, residence))) >= closeness(facts)


@given(histories, travels)
def test_declared_travel_never_makes_a_device_less_of_the_household(facts: Facts, travel: Travel) -> None:
    assert closeness(replace(facts, travels=(*facts.travels, travel))) >= closeness(facts)


@given(suspects())
def test_a_household_code_never_turns_suspicion_into_anything_else_and_is_not_charged_for_it(facts: Facts) -> None:
    assert judge(facts, POLICY).standing is Standing.SUSPECT
    purchase = confirm(facts, client_of(facts), ConfirmationBasis.HOUSEHOLD_CODE, POLICY)
    assert judge(replace(facts, device=purchase.device), POLICY).standing is Standing.SUSPECT
    assert purchase.use is None
    with pytest.raises(ServiceError) as refused:
        defer(facts, client_of(facts), POLICY)
    assert refused.value.reason is ErrorReason.STATE_CONFLICT


@given(histories)
def test_a_household_code_or_a_deferral_never_clears_nor_makes_a_member(facts: Facts) -> None:
    client, code = client_of(facts), ConfirmationBasis.HOUSEHOLD_CODE
    for buy in (partial(confirm, facts, client, code, POLICY), partial(defer, facts, client, POLICY)):
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
    facts: Facts, basis: ConfirmationBasis
) -> None:
    purchase = confirm(facts, client_of(facts), basis, POLICY)
    assert judge(replace(facts, device=purchase.device), POLICY).standing is not Standing.SUSPECT


@given(histories, st.sampled_from(ConfirmationBasis))
def test_what_is_bought_is_what_the_assessment_offered(facts: Facts, basis: ConfirmationBasis) -> None:
    offered = assess(facts, POLICY, score_known_network)
    try:
        purchase = confirm(facts, client_of(facts), basis, POLICY)
    except ServiceError as error:
        if error.reason is ErrorReason.ALLOWANCE_EXHAUSTED:
            assert offered.allowances.guest_leases_left == 0
        return
    if purchase.use is not None:
        assert offered.allowances.guest_leases_left > 0
        assert offered.can_use_code
    try:
        deferred = defer(facts, client_of(facts), POLICY)
    except ServiceError:
        assert not offered.can_defer
    else:
        assert (deferred.use is not None) == offered.can_defer


@given(histories, networks)
def test_allowances_are_never_negative_and_never_more_on_a_network_than_on_the_account(
    facts: Facts, network: NetworkHash
) -> None:
    here = allowances_left(facts, POLICY, network=network)
    whole = allowances_left(facts, POLICY, network=None)
    assert 0 <= here.guest_leases_left <= whole.guest_leases_left <= POLICY.guest_leases_per_account
    assert 0 <= here.deferrals_left <= whole.deferrals_left <= POLICY.deferrals_per_account
    assert 0 <= here.travel_days_left <= POLICY.travel_days_per_year


@given(histories)
def test_scores_are_probabilities_and_stand_only_on_factors(facts: Facts) -> None:
    scoring = score_known_network(facts, POLICY)
    scores = [scoring.scores.household, scoring.scores.outsider, scoring.scores.thief]
    assert all(score is None or 0 <= score <= 1 for score in scores)
    assert bool(scoring.factors) == (scoring.scores.household is not None)
    assert all(factor.name and factor.description for factor in scoring.factors)


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
    for at, network, at_home in sightings:
        client = Client(device_id="tv", kind="TV", name="", platform="TIZEN", network=network)
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

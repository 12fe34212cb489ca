"""Scores: what they are made of, when there are none, and which model files are refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.device_trust.domain import model as model_module
from services.device_trust.domain.confirmation import confirm
from services.device_trust.domain.evidence import Evidence, KeyUse, Level, ProfileUse
from services.device_trust.domain.factors import BY_HAND, FACTORS
from services.device_trust.domain.model import HYPOTHESES, Hypothesis, Model, blank_model, default_model
from services.device_trust.domain.records import ConfirmationBasis
from services.device_trust.domain.scoring import Scores, classify, scorer
from tests.contract.device_trust.device_trust_lives import DAY, START, Life, seen
from tests.contract.device_trust.device_trust_model import plain_model_data
from tests.contract.device_trust.device_trust_world import PINNED

SHIPPED: Final = default_model()
SHIPPED_DATA: Final[dict[str, Any]] = json.loads(Path(model_module.__file__).with_name("model.json").read_text())

counts = st.integers(0, 80)
evidence = st.builds(
    Evidence,
    **{
        **dict.fromkeys(("known_days", "home_days", "alone_days", "apart_days", "away_networks", "newcomers"), counts),
        **dict.fromkeys(
            ("failures", "guest_days_90", "guest_days_365", "guest_days_here", "device_guest_days"), counts
        ),
        **dict.fromkeys(
            ("network_apart_days", "network_alone_days", "longest_apart_days", "longest_alone_days"), counts
        ),
        "home_age": st.none() | counts,
        "company_age": st.none() | counts,
        "level": st.sampled_from(Level),
        "member_near": st.sampled_from(Level),
        "crowd": st.integers(1, 100_000),
        "provider_share": st.none() | st.floats(0, 1),
        "hour_share": st.none() | st.floats(0, 1),
        "profile": st.sampled_from(ProfileUse),
        "key": st.sampled_from(KeyUse),
        "same_platform": st.integers(0, 2),
        "maturity": st.integers(0, 4000),
    },
)


@given(evidence)
def test_scores_are_probabilities_and_factors_have_words_with_the_heaviest_first(facts: Evidence) -> None:
    scoring = scorer(SHIPPED)(replace(facts, has_home=True))
    scores = scoring.scores
    assert all(score is not None and 0 <= score <= 1 for score in (scores.household, scores.outsider, scores.thief))
    weights = [abs(factor.weight) for factor in scoring.factors]
    assert weights == sorted(weights, reverse=True)
    assert all(factor.name and factor.description.endswith(".") for factor in scoring.factors)
    assert len({factor.name for factor in scoring.factors}) == len(scoring.factors)


@given(evidence)
def test_unknown_is_unscored(facts: Evidence) -> None:
    scoring = scorer(SHIPPED)(replace(facts, has_home=False))
    assert scoring.scores == Scores(household=None, outsider=None, thief=None)
    assert not scoring.factors


def test_an_account_of_which_nothing_is_known_is_unscored() -> None:
    assert Life(scorer=scorer(SHIPPED)).facts(seen("tv"), START).scoring.scores == Scores()


@given(evidence)
def test_every_evidence_falls_into_a_class_of_each_factor(facts: Evidence) -> None:
    numbers = classify(facts)
    for kind, number in zip((*FACTORS, *BY_HAND), numbers, strict=True):
        assert 0 <= number < len(kind.classes), kind.name


@pytest.mark.parametrize("basis", [ConfirmationBasis.HOUSEHOLD_CODE])
@pytest.mark.parametrize("stays", [0, 1, 10])
def test_a_household_code_changes_no_score(stays: int, basis: ConfirmationBasis) -> None:
    account = Life(scorer=scorer(SHIPPED)).founded()
    account.stay(seen("tv"), range(30))
    friend = seen("friend", "elsewhere")
    account.stay(friend, range(30 - stays, 30))
    before = account.facts(friend, START + 30 * DAY)
    assert before.scoring.scores.outsider is not None
    purchase = confirm(before, basis, replace(PINNED, guest_days_90=80, guest_days_365=300, second_household=100.0))
    assert purchase.use is not None
    account.devices["friend"] = purchase.device
    assert account.facts(friend, START + 30 * DAY).scoring == before.scoring


def test_the_owner_s_word_makes_theft_less_likely_and_changes_nothing_else() -> None:
    account = Life(scorer=scorer(SHIPPED)).founded()
    account.stay(seen("tv"), range(30))
    stranger = seen("stranger", "far", country="BR")
    before = account.facts(stranger, START + 30 * DAY)
    account.devices["stranger"] = confirm(before, ConfirmationBasis.OWNER_CODE, PINNED).device
    after = account.facts(stranger, START + 30 * DAY)
    assert before.scoring.scores.thief is not None
    assert after.scoring.scores.thief is not None
    assert after.scoring.scores.thief <= before.scoring.scores.thief
    assert after.scoring.scores.household == before.scoring.scores.household


def test_the_shipped_model_tells_a_home_from_a_friend_s_and_a_friend_s_from_a_thief_s() -> None:
    account = Life(scorer=scorer(SHIPPED)).founded()
    account.stay(seen("tv"), range(40))
    account.stay(seen("phone", kind="PHONE"), range(40), hour=1)
    account.stay(seen("friend-tv", "friend"), range(25, 40), hour=1)
    at = START + 40 * DAY
    home, friend, thief = (
        account.facts(client, at).scoring.scores
        for client in (seen("tv"), seen("friend-tv", "friend"), seen("thief", "far", country="BR"))
    )
    assert home.household is not None
    assert friend.household is not None
    assert home.household > friend.household
    assert (friend.outsider or 0) > (home.outsider or 0)
    assert (thief.thief or 0) > (home.thief or 0)


def test_a_known_key_speaks_against_theft_and_a_changed_one_for_it() -> None:
    account = Life(scorer=scorer(Model.of(plain_model_data()))).founded()
    account.stay(seen("tv"), range(10))
    account.stay(seen("laptop", "far", key=b"k" * 8, country="BR"), (8,))
    thief = {
        key: account.facts(seen("laptop", "beach", key=key, country="PT"), START + 10 * DAY).scoring.scores.thief
        for key in (b"k" * 8, b"other-ke", b"")
    }
    assert thief[b"k" * 8] is not None
    assert (thief[b"k" * 8] or 0) < (thief[b"other-ke"] or 0)


@pytest.mark.parametrize("name", HYPOTHESES)
def test_the_shipped_curves_rise(name: str) -> None:
    hypothesis: Hypothesis = getattr(SHIPPED, name)
    assert len(hypothesis.knots) == len(hypothesis.levels) > 1
    assert list(hypothesis.knots) == sorted(set(hypothesis.knots))
    assert list(hypothesis.levels) == sorted(hypothesis.levels)
    assert 0 <= hypothesis.levels[0] <= hypothesis.levels[-1] <= 1


@pytest.mark.parametrize("name", HYPOTHESES)
@given(one=st.floats(-60, 60), other=st.floats(-60, 60))
def test_more_weight_is_never_less_probable(name: str, one: float, other: float) -> None:
    hypothesis: Hypothesis = getattr(SHIPPED, name)
    low, high = sorted((one, other))
    assert 0 <= hypothesis.probability(low) <= hypothesis.probability(high) <= 1


@pytest.mark.parametrize(
    "kind", [kind for kind in FACTORS if kind.ordered_from is not None], ids=lambda each: each.name
)
def test_closer_to_home_never_weighs_less_for_the_household_nor_more_against_it(kind: Any) -> None:
    number = FACTORS.index(kind)
    for name, sign in (("household", 1), ("outsider", -1), ("thief", -1)):
        weights = [sign * weight for weight in getattr(SHIPPED, name).weights[number][kind.ordered_from :]]
        assert all(later >= earlier - 1e-9 for earlier, later in pairwise(weights)), name


@pytest.mark.parametrize("kind", [kind for kind in FACTORS if kind.away_from is not None], ids=lambda each: each.name)
def test_a_day_less_away_never_weighs_less_for_the_household_nor_more_against_it(kind: Any) -> None:
    number = FACTORS.index(kind)
    for name, sign in (("household", 1), ("outsider", -1), ("thief", -1)):
        weights = [sign * weight for weight in getattr(SHIPPED, name).weights[number][kind.away_from :]]
        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(weights)), name


@pytest.mark.parametrize("kind", [kind for kind in FACTORS if kind.neutral is not None], ids=lambda each: each.name)
def test_what_is_not_known_weighs_nothing(kind: Any) -> None:
    for name in HYPOTHESES:
        assert getattr(SHIPPED, name).weights[FACTORS.index(kind)][kind.neutral] == 0


@pytest.mark.parametrize("hypothesis", HYPOTHESES)
@pytest.mark.parametrize("factor", [FACTORS[0].name, FACTORS[3].name, FACTORS[-1].name])
@pytest.mark.parametrize("damage", ["missing", "too few", "too many"])
def test_a_model_file_that_does_not_fit_is_refused_naming_the_factor(hypothesis: str, factor: str, damage: str) -> None:
    data = copy.deepcopy(SHIPPED_DATA)
    weights = data[hypothesis]["weights"]
    match damage:
        case "missing":
            del weights[factor]
        case "too few":
            weights[factor].pop()
        case _:
            weights[factor].append(0.0)
    with pytest.raises(ValueError, match=rf"{hypothesis}\.weights\.{factor}"):
        Model.of(data)


def test_the_blank_model_suspects_nobody() -> None:
    account = Life(scorer=scorer(blank_model())).founded()
    account.stay(seen("tv"), range(30))
    scores = account.facts(seen("thief", "far", country="BR"), START + 30 * DAY).scoring.scores
    assert scores.thief is not None
    assert scores.thief < 0.01

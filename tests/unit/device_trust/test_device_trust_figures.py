"""The simulator's figures by hand: small logs whose numbers can be told on paper."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.device_trust.domain.records import Standing
from services.device_trust.replay.records import Answer, AnswerScores, Event, Label, Outcome, Record
from services.device_trust.simulation.aims import AIMS, judged
from services.device_trust.simulation.bootstrap import draws, interval
from services.device_trust.simulation.figures import FigureCollector
from services.device_trust.simulation.plots import write_plots

START: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
MONTH_DAYS: Final = 30.44
ASKED: Final = Outcome.VERIFICATION_REQUIRED
FIRST_SIGN_INS: Final = 39


def record(
    days: float = 0, event: Event = Event.START, label: Label | None = Label.HOUSEHOLD, **changes: Any
) -> Record:
    values: dict[str, Any] = {
        "account": "a",
        "device_id": "tv",
        "device_kind": "TV",
        "device_platform": "ANDROID_TV",
        "ip": "192.0.2.1",
    }
    return Record(time=START + timedelta(days=days), event=event, label=label, **(values | changes))


def answer(to: Record, outcome: Outcome = Outcome.ALLOWED, **scores: float | None) -> Answer:
    return Answer(
        time=to.time,
        account=to.account,
        device_id=to.device_id,
        event=to.event,
        outcome=outcome,
        standing=Standing.HOUSEHOLD,
        scores=AnswerScores(**scores),
        can_defer=False,
        can_use_code=False,
    )


def household_of(scores: Iterable[float | None], account: str = "a") -> FigureCollector:
    """An account that signed in with these thief scores, one a day, after the sign-in that it was met with."""
    collector = FigureCollector()
    for day, score in enumerate([None, *scores]):
        line = record(day, Event.SIGN_IN, account=account)
        collector.add(line, answer(line, thief=score), None, None)
    return collector


def attack(collector: FigureCollector, *scores: float | None, very_targeted: bool = False) -> FigureCollector:
    """Let thieves sign in on devices of their own."""
    for number, score in enumerate(scores):
        line = record(number, Event.SIGN_IN, Label.THIEF, account="robbed", device_id=f"{very_targeted}{number}")
        given_answer = answer(line, thief=score)
        collector.add(line, given_answer, None, "crook", very_targeted)
    return collector


def told(*answers: tuple[Record, Outcome], persona: str | None = None, actor: str | None = None) -> dict[str, Any]:
    """The figures of these records and outcomes."""
    collector = FigureCollector()
    for line, outcome in answers:
        collector.add(line, answer(line, outcome), persona, actor)
    return collector.figures(bootstrap=20)


def asks(*answers: tuple[Record, Outcome]) -> float:
    """How many times the household was asked, from the figure per 1000 months."""
    figures = told(*answers)["household"]
    return float(round(figures["asked_per_1000_months"][0] * figures["months"] / 1000, 1))


def test_the_threshold_is_the_largest_that_asks_the_share_of_attackers() -> None:
    # At 97 % of 100 attackers three may slip through, so 0.4 is the threshold; 10 of 39 sign-ins stand at or above it.
    collector = household_of([0.4] * 10 + [0.39] * 29)
    attack(collector, *([0.1] * 3 + [0.4] + [0.9] * 96))
    rates = collector.figures()["thief"]["median_household_asked_rate_at_39"]
    assert rates["0.97"][0] == pytest.approx(10 / 39, abs=1e-6)
    assert rates["0.98"][0] == 1.0


def test_attackers_of_one_score_are_asked_together() -> None:
    collector = attack(household_of([0.5] * 20 + [0.2] * 19), *[0.5] * 10)
    rates = collector.figures()["thief"]["median_household_asked_rate_at_39"]
    assert {rate: triple[0] for rate, triple in rates.items()} == dict.fromkeys(rates, round(20 / 39, 6))


def test_an_unscored_attacker_counts_as_asked_and_so_does_an_unscored_household() -> None:
    collector = attack(household_of([None, 0.95] + [0.1] * 37), None, None, None)
    figures = collector.figures()["thief"]
    assert figures["median_household_asked_rate_at_39"]["0.999"][0] == pytest.approx(1 / 39, abs=1e-6)
    assert figures["auc"][0] == pytest.approx((38 + 0.5) / 39, abs=1e-6)


def test_only_the_first_39_sign_ins_count_and_a_household_with_fewer_counts_not_at_all() -> None:
    collector = household_of([0.1] * 39 + [0.9] * 100)
    collector.merge(household_of([0.9] * 38, account="short"))
    figures = attack(collector, 0.9).figures()["thief"]
    assert figures["median_household_asked_rate_at_39"]["0.99"] == [0.0, 0.0, 0.0]


def test_the_mean_shows_the_tail_that_the_median_hides() -> None:
    collector = household_of([0.9] * 39, account="unlucky")
    for name in ("b", "c"):
        collector.merge(household_of([0.1] * 39, account=name))
    figures = attack(collector, 0.9).figures()["thief"]
    assert figures["median_household_asked_rate_at_39"]["0.99"][0] == 0
    assert figures["mean_household_asked_rate_at_39"]["0.99"][0] == pytest.approx(1 / 3, abs=1e-6)


def test_a_thief_is_counted_by_the_first_sign_in_of_each_device() -> None:
    first, second = (record(day, Event.SIGN_IN, Label.THIEF) for day in (0, 1))
    start = record(2, Event.START, Label.THIEF, device_id="other")
    figures = told((first, ASKED), (second, Outcome.ALLOWED), (start, Outcome.ALLOWED))["thief"]
    assert (figures["attackers"], figures["asked_rate"][0]) == (1, 1.0)


def test_denied_is_asked_too_and_allowed_for_a_while_is_not() -> None:
    outcomes = (Outcome.DENIED, Outcome.ALLOWED_UNTIL, ASKED, Outcome.ALLOWED)
    lines = [
        (record(0, Event.SIGN_IN, Label.THIEF, device_id=str(number)), outcome)
        for number, outcome in enumerate(outcomes)
    ]
    assert told(*lines)["thief"]["asked_rate"][0] == 0.5


def test_very_targeted_thieves_are_thieves_and_a_group_of_their_own() -> None:
    collector = attack(household_of([0.3] * 39), 0.9, 0.9)
    attack(collector, 0.2, very_targeted=True)
    figures = collector.figures()
    assert (figures["thief"]["attackers"], figures["very_targeted"]["attackers"]) == (3, 1)
    assert figures["very_targeted"]["median_household_asked_rate_at_39"]["0.94"][0] == 1.0
    assert figures["very_targeted"]["auc"][0] == 0.0


def test_without_data_there_is_no_figure() -> None:
    figures = FigureCollector().figures()
    assert figures["thief"]["median_household_asked_rate_at_39"]["0.99"] is None
    assert figures["household"]["asked_per_1000_months"] is None
    assert figures["relay"]["outsider_days_90"] is None
    assert figures["ece"] is None
    assert not any(aim["met"] for aim in judged(figures).values())


def test_records_without_labels_are_counted_and_nothing_else() -> None:
    figures = told(*[(record(day, label=None), ASKED) for day in range(3)], (record(4, Event.SIGN_IN, None), ASKED))
    assert figures["counts"] == {"records": 4, "accounts": 1, "sign_ins": 1, "starts": 3}
    assert figures["household"]["months"] == 0
    assert figures["household"]["asked_per_1000_months"] is None


def test_a_household_is_asked_once_however_often_a_device_tries() -> None:
    assert asks((record(0), ASKED), (record(1), ASKED), (record(9), ASKED)) == 1


def test_an_allowed_start_ends_the_episode() -> None:
    assert asks((record(0), ASKED), (record(0.5), Outcome.ALLOWED), (record(2), ASKED)) == 2


def test_within_a_day_of_the_first_ask_it_is_the_same_episode_though_the_device_was_allowed() -> None:
    assert asks((record(0), ASKED), (record(0.2), Outcome.ALLOWED), (record(0.9), ASKED)) == 1
    assert asks((record(0), ASKED), (record(0.2), Outcome.ALLOWED), (record(1), ASKED)) == 2


def test_each_device_has_episodes_of_its_own() -> None:
    assert asks((record(0), ASKED), (record(0.1, device_id="phone"), ASKED)) == 2


def test_outsiders_and_thieves_do_not_count_as_asked_households() -> None:
    lines = [(record(day, label=label), ASKED) for day, label in enumerate((Label.OUTSIDER, Label.THIEF))]
    assert asks(*lines, (record(3), Outcome.ALLOWED)) == 0


def test_asks_and_refusals_are_told_per_thousand_months() -> None:
    figures = told(
        (record(0), Outcome.ALLOWED),
        (record(1), ASKED),
        (record(2), Outcome.DENIED),
        (record(10 * MONTH_DAYS), Outcome.ALLOWED),
        persona="family",
    )["household"]
    assert figures["months"] == 10
    assert figures["asked_per_1000_months"][0] == figures["refused_per_1000_months"][0] == 100
    assert figures["by_persona"]["family"]["asked_per_1000_months"] == [100, 100, 100]


def test_an_account_seen_once_was_observed_for_a_day() -> None:
    assert told((record(0), ASKED))["household"]["asked_per_1000_months"][0] == pytest.approx(1000 * MONTH_DAYS)


def outsider(day: float, event: Event = Event.START, account: str = "a") -> Record:
    return record(day, event, Label.OUTSIDER, device_id="friend", account=account)


def test_outsider_days_are_distinct_days_with_an_allowed_start() -> None:
    figures = told(
        (outsider(0, Event.SIGN_IN), ASKED),
        (outsider(1), Outcome.ALLOWED),
        (outsider(1.1), Outcome.ALLOWED),
        (outsider(2), ASKED),
        (outsider(3), Outcome.ALLOWED_UNTIL),
        (outsider(4, Event.SIGN_IN), Outcome.ALLOWED),
        (outsider(89.9), Outcome.ALLOWED),
        (outsider(90.6), Outcome.ALLOWED),
        (outsider(364.9), Outcome.ALLOWED),
        (outsider(366), Outcome.DENIED),
        actor="relay_city",
    )
    assert figures["relay"]["accounts"] == figures["relay"]["followed_365"] == 1
    assert figures["relay"]["outsider_days_90"] == [3, 3, 3]
    assert figures["relay"]["outsider_days_365"] == [5, 5, 5]
    family = figures["outsiders"]["by_family"]["relay_city"]
    assert (family["asked_share"][0], family["refused_share"][0]) == (1, 1)


def test_days_count_from_the_first_try_though_it_was_not_allowed() -> None:
    lines = [(outsider(0), Outcome.DENIED), (outsider(91), Outcome.ALLOWED), (outsider(200), Outcome.DENIED)]
    figures = told(*lines, actor="relay")["relay"]
    assert figures["outsider_days_90"][0] == 0
    assert figures["outsider_days_365"] is None


def test_an_account_that_is_not_followed_long_enough_does_not_pull_the_mean_down() -> None:
    collector = FigureCollector()
    # One plays every tenth day of 400; another as often, but its log ends after 100 days.
    for account, first in (("a", 0), ("late", 300)):
        for day in range(first, 401, 10):
            line = outsider(day + 0.25, account=account)
            collector.add(line, answer(line), None, "relay_far")
    figures = collector.figures()["relay"]
    assert figures["outsider_days_90"][0] == 9
    assert figures["outsider_days_365"][0] == 37
    assert (figures["followed_90"], figures["followed_365"]) == (2, 1)


def test_families_are_told_apart_and_an_unnamed_one_is_unknown() -> None:
    collector = FigureCollector()
    for account, family in (("a", "relay_city"), ("b", "launderer"), ("c", None)):
        line = outsider(0, account=account)
        collector.add(line, answer(line), None, family)
    figures = collector.figures()
    assert list(figures["outsiders"]["by_family"]) == ["launderer", "relay_city", "unknown"]
    assert figures["relay"]["accounts"] == 1


def scored(*scores: tuple[float, Label], account: str = "a") -> FigureCollector:
    collector = FigureCollector()
    for day, (score, label) in enumerate(scores):
        line = record(day, label=label, account=account)
        collector.add(line, answer(line, thief=score), None, None)
    return collector


def test_a_perfectly_calibrated_scorer_has_no_calibration_error() -> None:
    lines = [
        (share / 10, Label.THIEF if number < share else Label.HOUSEHOLD) for share in range(11) for number in range(10)
    ]
    figures = scored(*lines).figures()
    assert figures["ece_by_hypothesis"]["thief"][0] == pytest.approx(0, abs=1e-6)
    assert figures["ece_by_hypothesis"]["household"] is None


def test_the_error_of_a_constant_scorer_is_its_distance_from_the_share() -> None:
    lines = [(0.5, Label.THIEF if number % 4 == 0 else Label.HOUSEHOLD) for number in range(400)]
    assert scored(*lines).figures()["ece_by_hypothesis"]["thief"][0] == pytest.approx(0.25)


def test_errors_of_opposite_sign_do_not_cancel_out() -> None:
    lines = [(0.2, Label.HOUSEHOLD)] * 50 + [(0.8, Label.THIEF)] * 50
    assert scored(*lines).figures()["ece"][0] == pytest.approx(0.2)


def test_small_chances_are_told_apart_and_their_errors_do_not_cancel_out() -> None:
    lines = [(0.0002, Label.HOUSEHOLD)] * 1000 + [(0.0008, Label.HOUSEHOLD)] * 999 + [(0.0008, Label.THIEF)]
    assert scored(*lines).figures()["ece"][0] == pytest.approx(0.0002)


def test_the_error_reported_is_that_of_the_worst_hypothesis_and_certain_scores_have_a_bin() -> None:
    collector = FigureCollector()
    line = record()
    collector.add(line, answer(line, household=1.0, outsider=0.3, thief=0.0), None, None)
    figures = collector.figures()
    assert figures["ece"] == [0.3, 0.3, 0.3]
    assert figures["ece_by_hypothesis"]["household"][0] == figures["ece_by_hypothesis"]["thief"][0] == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(Label)), min_size=1, max_size=40))
def test_a_calibration_error_lies_between_the_overall_gap_and_one(lines: list[tuple[float, Label]]) -> None:
    error = scored(*lines).figures(bootstrap=0)["ece_by_hypothesis"]["thief"][0]
    gap = abs(np.mean([score for score, _ in lines]) - np.mean([label is Label.THIEF for _, label in lines]))
    assert gap - 1e-6 <= error <= 1 + 1e-6


def random_log(seed: int, accounts: list[str]) -> list[tuple[Record, Answer, str, str | None, bool]]:
    rng = random.Random(seed)
    log = []
    for _ in range(rng.randrange(300)):
        label, account = rng.choice(list(Label)), rng.choice(accounts)
        line = record(
            rng.uniform(0, 400),
            rng.choice([Event.SIGN_IN, Event.START]),
            rng.choice([label, None]),
            account=account,
            device_id=rng.choice("xyz"),
        )
        # Scores that binary fractions hold exactly, so that sums do not hang on their order.
        scores = {name: rng.randrange(65) / 64 for name in ("household", "outsider", "thief") if rng.random() < 0.8}
        actor = None if label is Label.HOUSEHOLD else rng.choice(["relay_a", "launderer"])
        log.append((line, answer(line, rng.choice(list(Outcome)), **scores), f"p{account}", actor, rng.random() < 0.3))
    return sorted(log, key=lambda entry: entry[0].time)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.sampled_from("abcdef")))
def test_collectors_merged_tell_what_one_would_have_told(seed: int, left: set[str]) -> None:
    log = random_log(seed, list("abcdef"))
    whole, one, other = (FigureCollector() for _ in range(3))
    for entry in log:
        whole.add(*entry)
        (one if entry[0].account in left else other).add(*entry)
    one.merge(pickle.loads(pickle.dumps(other)))  # noqa: S301  # as it comes from another process of ours
    assert one.figures(bootstrap=10) == whole.figures(bootstrap=10)
    assert one.curves(bootstrap=10) == whole.curves(bootstrap=10)


def test_an_account_in_two_collectors_cannot_be_merged_but_like_names_of_two_worlds_can() -> None:
    line = record()
    one, other, elsewhere = FigureCollector("1/"), FigureCollector("1/"), FigureCollector("2/")
    for collector in (one, other, elsewhere):
        collector.add(line, answer(line), None, None)
    with pytest.raises(ValueError, match="both collectors"):
        one.merge(other)
    one.merge(elsewhere)
    assert one.figures(bootstrap=0)["counts"]["accounts"] == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_every_figure_lies_within_its_interval_and_all_are_json(seed: int) -> None:
    collector = FigureCollector()
    for entry in random_log(seed, list("abc")):
        collector.add(*entry)
    figures = collector.figures(bootstrap=30)
    json.dumps(figures, allow_nan=False)
    json.dumps(collector.curves(bootstrap=5), allow_nan=False)
    for triple in triples_in(figures):
        assert triple[1] <= triple[0] <= triple[2]


def triples_in(value: Any) -> list[list[float]]:
    if isinstance(value, list):
        return [value]
    return [triple for inner in value.values() for triple in triples_in(inner)] if isinstance(value, dict) else []


def test_the_interval_is_made_of_the_percentiles_of_the_replicates() -> None:
    assert interval(np.array([50.0, *range(101)])) == [50, 2.5, 97.5]
    assert interval(np.array([np.nan, 1.0])) is None
    assert interval(np.array([1.0, 2.0, np.nan, 3.0])) == [1.0, 1.0, pytest.approx(2.975)]


def test_the_same_seed_draws_the_same_and_the_estimate_draws_each_account_once() -> None:
    one, other = (draws(5, bootstrap=10, seed=3) for _ in range(2))
    assert (one == other).all()
    assert one[0].tolist() == [1] * 5
    assert (one.sum(axis=1) == 5).all()


def test_each_aim_is_judged_by_its_figure() -> None:
    figures = attack(household_of([0.1] * FIRST_SIGN_INS), 0.9).figures()
    aims = judged(figures)
    assert aims.keys() == AIMS.keys()
    assert aims["thief_0.99"] == {"aim": 0.025, "value": 0.0, "met": True}
    assert aims["very_targeted_0.94"] == {"aim": 0.10, "value": None, "met": False}


def test_all_plots_are_drawn_with_data_and_without(tmp_path: Path) -> None:
    collector = FigureCollector()
    for entry in random_log(1, list("abc")):
        collector.add(*entry)
    curves = {"engine": collector.curves(bootstrap=5), "always_code": FigureCollector().curves(bootstrap=5)}
    paths = write_plots(tmp_path / "new" / "plots", curves)
    assert [path.name for path in paths] == ["roc.png", "outsider_days.png", "calibration.png", "asked_by_persona.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)

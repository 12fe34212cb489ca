"""The experiment: who is in which cell, and how its JSON is read."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.rollout.experiment import Assignment, AssignmentReason, Cell, Experiment, assign, place_of
from libs.rollout.parsing import ExperimentError, parse_experiment

shares = st.floats(0, 1)


def accounts(count: int, seed: int = 7) -> list[UUID]:
    """The same accounts in every run."""
    source = random.Random(seed)
    return [UUID(int=source.getrandbits(128)) for _ in range(count)]


def cell(experiment: Experiment, account_id: UUID) -> Cell:
    """The account's cell, on a targeted platform in a targeted country."""
    return assign(experiment, account_id, "DE", "ANDROID").cell


@pytest.mark.parametrize("salt", ["downloads", "sharing", ""])
@pytest.mark.parametrize(("enforce", "observe"), [(0.1, 0.1), (0.5, 0.25), (0.0, 0.01), (0.99, 0.01)])
def test_the_cells_hold_their_shares_of_the_accounts(salt: str, enforce: float, observe: float) -> None:
    """Within one percent of 20,000 accounts: three standard errors at most."""
    experiment = Experiment(key="x", on=True, enforce_share=enforce, observe_share=observe, salt=salt)
    counts = Counter(cell(experiment, account_id) for account_id in accounts(20_000))
    assert counts[Cell.ENFORCE] / 20_000 == pytest.approx(enforce, abs=0.011)
    assert counts[Cell.OBSERVE] / 20_000 == pytest.approx(observe, abs=0.011)


@settings(max_examples=200)
@given(st.uuids(), shares, shares, shares)
def test_a_growing_share_takes_accounts_from_control_alone(
    account_id: UUID, first: float, second: float, observe: float
) -> None:
    """Nobody leaves a treated cell while the ramp goes up, whichever of the two grows."""
    low, high = sorted((first, second))
    observe = min(observe, 1 - high)
    small = Experiment(key="x", on=True, enforce_share=low, observe_share=observe)
    large = dataclasses.replace(small, enforce_share=high)
    before, after = cell(small, account_id), cell(large, account_id)
    assert before is after or (before, after) == (Cell.CONTROL, Cell.ENFORCE)
    small = Experiment(key="x", on=True, enforce_share=observe, observe_share=low)
    large = dataclasses.replace(small, observe_share=high)
    before, after = cell(small, account_id), cell(large, account_id)
    assert before is after or (before, after) == (Cell.CONTROL, Cell.OBSERVE)


@given(st.uuids(), st.text(max_size=20))
def test_an_account_has_one_place_below_one(account_id: UUID, salt: str) -> None:
    """The same each time, and never 1, so that a share of 1 leaves nobody out."""
    assert 0 <= place_of(salt, account_id) < 1
    assert place_of(salt, account_id) == place_of(salt, account_id)
    everybody = Experiment(key="x", on=True, enforce_share=1, salt=salt)
    assert cell(everybody, account_id) is Cell.ENFORCE
    assert cell(dataclasses.replace(everybody, enforce_share=0, observe_share=1), account_id) is Cell.OBSERVE


def test_a_place_is_the_same_in_every_release() -> None:
    """A change here would move accounts between the cells of running experiments."""
    assert place_of("downloads", UUID(int=1)) == 0.5019723510477151


def test_two_salts_divide_the_accounts_independently() -> None:
    """Of those whom one experiment treats, the other treats its own share."""
    one, two = (Experiment(key="x", on=True, enforce_share=0.5, salt=salt) for salt in ("one", "two"))
    treated = [each for each in accounts(10_000) if cell(one, each) is Cell.ENFORCE]
    both = sum(cell(two, each) is Cell.ENFORCE for each in treated)
    assert both / len(treated) == pytest.approx(0.5, abs=0.02)


@given(st.uuids(), st.sampled_from(["DE", "FR", ""]), st.sampled_from(["ANDROID", "IOS", ""]))
def test_one_switch_puts_everybody_into_control(account_id: UUID, country: str, platform: str) -> None:
    """Whatever the shares say."""
    off = Experiment(key="x", on=False, enforce_share=1)
    assert assign(off, account_id, country, platform) == Assignment(cell=Cell.CONTROL, reason=AssignmentReason.OFF)


@pytest.mark.parametrize(
    ("country", "platform", "cell", "reason"),
    [
        ("DE", "IOS", Cell.ENFORCE, AssignmentReason.SHARE),
        ("FR", "IOS", Cell.CONTROL, AssignmentReason.COUNTRY),
        ("", "IOS", Cell.CONTROL, AssignmentReason.COUNTRY),
        ("DE", "WEB", Cell.CONTROL, AssignmentReason.PLATFORM),
        ("DE", "", Cell.CONTROL, AssignmentReason.PLATFORM),
    ],
)
def test_only_targeted_countries_and_platforms_are_treated(
    country: str, platform: str, cell: Cell, reason: AssignmentReason
) -> None:
    """What is not known is not targeted."""
    experiment = Experiment(
        key="x", on=True, enforce_share=1, countries=frozenset({"DE"}), platforms=frozenset({"IOS"})
    )
    assert assign(experiment, UUID(int=1), country, platform) == Assignment(cell=cell, reason=reason)


@pytest.mark.parametrize(
    "shares", [{"enforce_share": 1.1}, {"observe_share": -0.1}, {"enforce_share": 0.6, "observe_share": 0.6}]
)
def test_an_experiment_with_impossible_shares_is_not_made(shares: dict[str, Any]) -> None:
    """Neither by JSON nor by hand."""
    with pytest.raises(ValueError, match="share"):
        Experiment(key="x", on=True, **shares)


def test_an_experiment_is_read_from_json() -> None:
    """Every field of it."""
    text = """{"key": "downloads", "on": true, "enforce_share": 0.25, "observe_share": 0.5,
               "countries": ["DE", "FR"], "platforms": ["ANDROID_TV"], "salt": "s"}"""
    assert parse_experiment(text) == Experiment(
        key="downloads",
        on=True,
        enforce_share=0.25,
        observe_share=0.5,
        countries=frozenset({"DE", "FR"}),
        platforms=frozenset({"ANDROID_TV"}),
        salt="s",
    )


def test_what_is_left_out_treats_nobody_and_targets_all() -> None:
    """The salt is the key, so that experiments divide accounts independently by themselves."""
    expected = Experiment(key="x", on=True, salt="x")
    assert parse_experiment('{"key": "x", "on": true, "countries": "all"}') == expected


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("key", {"key": None}),
        ("key", {"key": "Upper"}),
        ("on", {"on": 1}),
        ("on", {"on": "true"}),
        ("enforce_share", {"enforce_share": 1.01}),
        ("enforce_share", {"enforce_share": True}),
        ("observe_share", {"observe_share": "0.5"}),
        ("observe_share", {"observe_share": 0.6, "enforce_share": 0.6}),
        ("enforce_share", {"enforce_share": float("nan")}),
        ("countries", {"countries": "DE"}),
        ("countries[1]", {"countries": ["DE", "de"]}),
        ("platforms[0]", {"platforms": [7]}),
        ("salt", {"salt": ""}),
        ("shre", {"shre": 1}),
    ],
)
def test_a_bad_field_is_named(field: str, change: dict[str, Any]) -> None:
    """A typing error in an experiment must not quietly treat nobody, or everybody."""
    with pytest.raises(ExperimentError) as caught:
        parse_experiment(json.dumps({"key": "x", "on": True} | change))
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    """With its place, without its text."""
    with pytest.raises(ExperimentError, match="must be"):
        parse_experiment(text)


def test_a_field_given_twice_is_named() -> None:
    """JSON itself would let the last one win."""
    with pytest.raises(ExperimentError, match="on: appears twice"):
        parse_experiment('{"key": "x", "on": false, "on": true}')

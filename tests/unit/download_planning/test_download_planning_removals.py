"""What a plan removes, when, and what it never does."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from services.download_planning.domain.plan import PlanRemoval, RemovalReason
from services.download_planning.domain.titles import LicenceWindow
from tests.unit.download_planning.planning_world import (
    MEGABYTE,
    NOW,
    ON,
    SERIES,
    catalogue,
    episode,
    ids,
    movie,
    plan_input,
    planned,
    seen,
    there,
)


def test_a_watched_episode_goes_after_its_replacement_is_there() -> None:
    """The viewer is never left without both."""
    state = planned(plan_input(SERIES, progress=[seen("x.s1e1")], inventory=(there("x.s1e1", 300),)))
    assert ids(state) == ["x.s1e2"]
    assert state.removals == (PlanRemoval(title_id="x.s1e1", reason=RemovalReason.WATCHED, after_title_id="x.s1e2"),)


@pytest.mark.parametrize(
    "tight", [{"settings": dataclasses.replace(ON, budget_bytes=599 * MEGABYTE)}, {"free_bytes": 0}]
)
def test_a_watched_episode_goes_at_once_where_both_do_not_fit(tight: dict[str, Any]) -> None:
    """The budget and the disk hold on the way as well."""
    inventory = (there("x.s1e1", 300),)
    state = planned(plan_input(SERIES, progress=[seen("x.s1e1")], inventory=inventory, **tight))
    assert ids(state) == ["x.s1e2"]
    assert state.removals == (PlanRemoval(title_id="x.s1e1", reason=RemovalReason.WATCHED),)


def test_a_watched_episode_goes_at_once_when_its_replacement_is_complete() -> None:
    """Nothing to wait for."""
    inventory = (there("x.s1e1", 300), there("x.s1e2", 300))
    state = planned(plan_input(SERIES, progress=[seen("x.s1e1")], inventory=inventory))
    assert state.removals == (PlanRemoval(title_id="x.s1e1", reason=RemovalReason.WATCHED),)


@pytest.mark.parametrize("flag", [{"by_hand": True}, {"playing": True}])
def test_what_is_playing_or_was_downloaded_by_hand_is_never_removed(flag: dict[str, Any]) -> None:
    """Watched, without licence, unknown, too old for the viewer, switched off: it stays."""
    ended = (LicenceWindow(country_code="", start_time=NOW - timedelta(9), end_time=NOW),)
    titles = catalogue(movie("watched"), movie("ended", licence_windows=ended), movie("adult", maturity_age=18))
    inventory = tuple(there(each, **flag) for each in ("watched", "ended", "adult", "unknown"))
    progress = [seen("watched")]
    assert planned(plan_input(titles, progress=progress, inventory=inventory, maturity_age=7)).removals == ()
    off = dataclasses.replace(ON, downloads_for_you=False, smart_downloads=False)
    assert planned(plan_input(titles, inventory=inventory, settings=off)).removals == ()


def test_what_was_downloaded_by_hand_takes_nothing_of_the_budget_and_is_not_planned_again() -> None:
    """The budget is for planned items; what is there is there."""
    titles = catalogue(movie("mine", popularity_prior=1), movie("b", megabytes=1000))
    assert ids(planned(plan_input(titles, inventory=(there("mine", by_hand=True),)))) == ["b"]


def test_what_plays_without_licence_takes_its_part_of_the_budget() -> None:
    """It is there until it ends, so the rest has less."""
    titles = catalogue(movie("b", megabytes=501))
    assert ids(planned(plan_input(titles, inventory=(there("unknown", 500, playing=True),)))) == []


def test_each_removal_has_its_reason() -> None:
    """Licence over, not to be seen any more, watched, displaced."""
    ended = (LicenceWindow(country_code="", start_time=NOW - timedelta(9), end_time=NOW),)
    titles = catalogue(
        movie("adult", maturity_age=18),
        movie("ended", licence_windows=ended),
        movie("large", megabytes=900),
        movie("left"),
        movie("watched"),
        episode("x", 1, 1),
        episode("x", 1, 2),
    )
    inventory = tuple(there(each) for each in ("adult", "ended", "large", "left", "unknown", "watched"))
    progress = [seen("watched"), seen("left", "ABANDONED"), seen("x.s1e1")]
    state = planned(plan_input(titles, progress=progress, inventory=inventory, maturity_age=12))
    assert ids(state) == ["x.s1e2"]
    assert {removal.title_id: removal.reason for removal in state.removals} == {
        "adult": RemovalReason.NOT_WANTED,
        "ended": RemovalReason.LICENCE_ENDED,
        "large": RemovalReason.REPLACED,
        "left": RemovalReason.NOT_WANTED,
        "unknown": RemovalReason.LICENCE_ENDED,
        "watched": RemovalReason.WATCHED,
    }


def test_with_everything_switched_off_the_plan_is_to_remove() -> None:
    """Switching off takes planned items with it."""
    off = dataclasses.replace(ON, downloads_for_you=False, smart_downloads=False)
    state = planned(plan_input(catalogue(movie("a")), settings=off, inventory=(there("a"),)))
    assert state.items == ()
    assert state.removals == (PlanRemoval(title_id="a", reason=RemovalReason.NOT_WANTED),)

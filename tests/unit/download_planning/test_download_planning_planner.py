"""The planner, rule by rule."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from services.download_planning.domain.devices import NetworkType
from services.download_planning.domain.plan import (
    ExclusionReason,
    PlanInput,
    PlanReason,
)
from services.download_planning.domain.planner import make_plan
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
    rendition,
    seen,
    there,
)


def exclusions(request: PlanInput) -> dict[str, ExclusionReason | None]:
    """What became of each candidate."""
    return {each.title_id: each.exclusion for each in make_plan(request).candidates}


def test_popular_titles_come_by_minutes_per_byte_until_the_budget_is_full() -> None:
    """A popular film that is too large for what is left gives way to a smaller one."""
    titles = catalogue(
        movie("small", megabytes=400, popularity_prior=0.4),
        movie("large", megabytes=700, popularity_prior=0.6),
        movie("tiny", megabytes=50, popularity_prior=0.01),
    )
    state = planned(plan_input(titles))
    assert ids(state) == ["small", "tiny"]
    assert [item.priority for item in state.items] == [1, 2]
    assert {item.reason for item in state.items} == {PlanReason.POPULAR}
    assert {item.reason_text for item in state.items} == {"Popular now"}


def test_equal_worth_is_decided_by_the_title_id() -> None:
    """So that equal inputs give equal plans."""
    titles = catalogue(*(movie(title_id, megabytes=1000) for title_id in "cab"))
    assert ids(planned(plan_input(titles))) == ["a"]


def test_what_was_watched_by_many_overtakes_a_high_prior() -> None:
    """The prior counts until enough was seen."""
    films = (movie("hoped", megabytes=1000, popularity_prior=0.5), movie("loved", megabytes=1000))
    assert ids(planned(plan_input(catalogue(*films)))) == ["hoped"]
    assert ids(planned(plan_input(catalogue(*films, viewers={"loved": 800}, viewer_count=1000)))) == ["loved"]


def test_free_room_on_the_device_binds_like_the_budget() -> None:
    """The smaller of the two counts."""
    titles = catalogue(movie("a"), movie("b", megabytes=300))
    assert ids(planned(plan_input(titles, free_bytes=400 * MEGABYTE))) == ["b"]


def test_the_smallest_rendition_is_taken_and_one_that_is_there_is_kept() -> None:
    """Nothing is fetched a second time in another encoding."""
    film = movie("a", renditions=(rendition("a", 900, "hd"), rendition("a", 300, "sd")))
    assert [item.rendition_id for item in planned(plan_input(catalogue(film))).items] == ["sd"]
    kept = planned(plan_input(catalogue(film), inventory=(there("a", 900, rendition_id="hd"),)))
    assert [item.rendition_id for item in kept.items] == ["hd"]
    assert kept.removals == ()


def test_the_next_episode_comes_before_anything_popular() -> None:
    """Pins first, whatever their worth per byte."""
    titles = catalogue(
        episode("x", 1, 1), episode("x", 1, 2, megabytes=900), movie("hit", megabytes=200, popularity_prior=1)
    )
    state = planned(plan_input(titles, progress=[seen("x.s1e1")]))
    assert ids(state) == ["x.s1e2"]
    assert state.items[0].reason is PlanReason.NEXT_EPISODE
    assert state.items[0].reason_text.startswith("Next episode of")


def test_the_next_episode_is_found_across_seasons() -> None:
    """After the last of a season comes the first of the next."""
    assert ids(planned(plan_input(SERIES, progress=[seen("x.s1e2")]))) == ["x.s2e1"]


def test_an_episode_in_progress_stays_first_and_its_successor_follows() -> None:
    """In progress, then next."""
    state = planned(plan_input(SERIES, progress=[seen("x.s1e1", "IN_PROGRESS")]))
    assert [(item.title_id, item.reason) for item in state.items] == [
        ("x.s1e1", PlanReason.IN_PROGRESS),
        ("x.s1e2", PlanReason.NEXT_EPISODE),
    ]


def test_an_abandoned_series_has_no_next_episode() -> None:
    """Nor is its beginning popular with somebody who left it."""
    assert ids(planned(plan_input(SERIES, progress=[seen("x.s1e2", "ABANDONED")]))) == []


def test_episodes_already_watched_are_passed_over() -> None:
    """Somebody who watched out of order gets what is missing next."""
    progress = [seen("x.s1e1"), seen("x.s1e2", hours_ago=9)]
    assert ids(planned(plan_input(SERIES, progress=progress))) == ["x.s2e1"]


def test_a_next_episode_without_licence_is_not_leapt_over() -> None:
    """The one after it would tell the story in the wrong order."""
    ended = (LicenceWindow(country_code="", start_time=NOW - timedelta(9), end_time=NOW),)
    titles = catalogue(episode("x", 1, 1), episode("x", 1, 2, licence_windows=ended), episode("x", 1, 3))
    request = plan_input(titles, progress=[seen("x.s1e1")])
    assert ids(planned(request)) == []
    assert exclusions(request)["x.s1e2"] is ExclusionReason.LICENCE


def test_a_series_is_suggested_by_its_first_episode_alone() -> None:
    """Nobody is sent the middle of a series."""
    request = plan_input(SERIES)
    assert ids(planned(request)) == ["x.s1e1"]
    assert set(exclusions(request)) == {"x.s1e1"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"maturity_age": 16}, ExclusionReason.MATURITY),
        (
            {"licence_windows": (LicenceWindow(country_code="FR", start_time=NOW - timedelta(1)),)},
            ExclusionReason.LICENCE,
        ),
        (
            {"licence_windows": (LicenceWindow(country_code="DE", start_time=NOW + timedelta(1)),)},
            ExclusionReason.LICENCE,
        ),
        ({"megabytes": 1001}, ExclusionReason.BUDGET),
    ],
)
def test_each_excluded_title_has_its_reason(fields: dict[str, Any], reason: ExclusionReason) -> None:
    """As support staff read it."""
    request = plan_input(catalogue(movie("a", **fields)), maturity_age=12)
    assert ids(planned(request)) == []
    assert exclusions(request) == {"a": reason}


def test_watched_and_switched_off_titles_have_their_reasons_too() -> None:
    """A film that was seen; a next episode without Smart Downloads; a film without Downloads For You."""
    titles = catalogue(movie("film"), episode("x", 1, 1), episode("x", 1, 2))
    progress = [seen("x.s1e1")]
    off = dataclasses.replace(ON, smart_downloads=False)
    assert exclusions(plan_input(titles, progress=progress, settings=off))["x.s1e2"] is ExclusionReason.SWITCHED_OFF
    off = dataclasses.replace(ON, downloads_for_you=False)
    assert exclusions(plan_input(titles, progress=progress, settings=off))["film"] is ExclusionReason.SWITCHED_OFF
    assert exclusions(plan_input(titles, progress=[seen("film")]))["film"] is ExclusionReason.WATCHED


def test_a_licence_that_ends_now_has_ended_and_a_later_one_is_told() -> None:
    """Keep-until is the end of the longest open window."""
    windows = [
        LicenceWindow(country_code="DE", start_time=NOW - timedelta(2), end_time=NOW + timedelta(days=days))
        for days in (0, 3, 2)
    ]
    titles = catalogue(movie("a", licence_windows=tuple(windows)))
    assert planned(plan_input(titles)).items[0].keep_until == NOW + timedelta(days=3)
    assert ids(planned(plan_input(titles, now=NOW + timedelta(days=3)))) == []


def test_what_is_there_is_not_displaced_by_something_a_little_better() -> None:
    """Fetching a gigabyte for a hair's breadth of popularity is waste."""
    titles = catalogue(movie("there", megabytes=900), movie("better", megabytes=900, popularity_prior=0.11))
    state = planned(plan_input(titles, inventory=(there("there", 900),)))
    assert ids(state) == ["there"]
    assert state.removals == ()


def test_a_device_holds_at_most_so_many_downloads_those_by_hand_included() -> None:
    """What does not fit has its own reason."""
    titles = catalogue(*(movie(title_id, megabytes=10) for title_id in "abcd"))
    request = plan_input(titles, inventory=(there("mine", by_hand=True),), max_items=3)
    assert ids(planned(request)) == ["a", "b"]
    assert exclusions(request)["c"] is ExclusionReason.DEVICE_LIMIT


@pytest.mark.parametrize(
    ("network", "allowed", "waits"),
    [
        (NetworkType.WIFI, False, False),
        (NetworkType.MOBILE, False, True),
        (NetworkType.OFFLINE, False, True),
        (NetworkType.MOBILE, True, False),
    ],
)
def test_a_plan_waits_for_wifi_unless_mobile_data_is_allowed(network: NetworkType, allowed: bool, waits: bool) -> None:
    """On the go nothing is fetched at the viewer's expense."""
    settings = dataclasses.replace(ON, allow_mobile_data=allowed)
    assert planned(plan_input(catalogue(), settings=settings, network=network)).waits_for_wifi is waits


def test_at_most_so_many_candidates_are_explained_best_first_with_the_planned_ones_among_them() -> None:
    """What was planned is always explained."""
    titles = catalogue(
        *(movie(f"big{number}", megabytes=2000, popularity_prior=1) for number in range(5)), movie("a", megabytes=900)
    )
    found = make_plan(plan_input(titles, max_candidates=3)).candidates
    assert [each.title_id for each in found if each.exclusion is None] == ["a"]
    assert len(found) == 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)

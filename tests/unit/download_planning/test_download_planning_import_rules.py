"""The rules that a row of the catalogue has to pass."""

from __future__ import annotations

import dataclasses
import math
from datetime import timedelta
from typing import Any

import pytest

from services.download_planning.domain.import_rules import StreamCheck, check_title
from services.download_planning.domain.titles import LicenceWindow, Rendition
from tests.unit.download_planning.planning_world import NOW, episode, movie, rendition


def test_a_good_film_and_a_good_episode_pass() -> None:
    """Nothing to say about them."""
    assert check_title(movie("a")) is None
    assert check_title(episode("x", 1, 1)) is None


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title_id", {"title_id": ""}),
        ("title_id", {"title_id": "a b"}),
        ("title_id", {"title_id": "ä"}),
        ("title_id", {"title_id": "a" * 65}),
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": "a\x00b"}),
        ("name", {"name": "a" * 201}),
        ("series_id", {"series_id": "x"}),
        ("season_number", {"season_number": 1}),
        ("genres", {"genres": ("a",) * 11}),
        ("genres[1]", {"genres": ("a", "")}),
        ("genres[0]", {"genres": ("a\x1fb",)}),
        ("maturity_age", {"maturity_age": 19}),
        ("duration", {"duration": timedelta(0)}),
        ("duration", {"duration": timedelta(seconds=-1)}),
        ("renditions", {"renditions": ()}),
        ("renditions[0].size_bytes", {"renditions": (rendition("a", 0),)}),
        ("renditions[0].size_bytes", {"renditions": (rendition("a", 2**60),)}),
        ("renditions[1].rendition_id", {"renditions": (rendition("a", 1), rendition("a", 2))}),
        ("renditions[0].rendition_id", {"renditions": (rendition("a", 1, ""),)}),
        ("licence_windows", {"licence_windows": ()}),
        ("popularity_prior", {"popularity_prior": 1.1}),
        ("popularity_prior", {"popularity_prior": -0.1}),
        ("popularity_prior", {"popularity_prior": math.nan}),
    ],
)
def test_a_bad_film_is_refused_with_the_field_at_fault(field: str, changes: dict[str, Any]) -> None:
    """One field wrong, that field named."""
    values = {"title_id": "a"} | changes
    refusal = check_title(movie(values.pop("title_id"), **values))
    assert refusal is not None
    assert refusal.field == field


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("series_id", {"series_id": ""}),
        ("season_number", {"season_number": 0}),
        ("episode_number", {"episode_number": 0}),
        ("episode_number", {"episode_number": 2**32 - 1}),
    ],
)
def test_an_episode_needs_its_series_season_and_number(field: str, changes: dict[str, Any]) -> None:
    """Without them it has no place."""
    refusal = check_title(dataclasses.replace(episode("x", 1, 1), **changes))
    assert refusal is not None
    assert refusal.field == field


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_window_that_ends_before_it_begins_is_refused(minutes: int) -> None:
    """So is an empty one."""
    window = LicenceWindow(country_code="DE", start_time=NOW, end_time=NOW + timedelta(minutes=minutes))
    refusal = check_title(movie("a", licence_windows=(window,)))
    assert refusal is not None
    assert refusal.field == "licence_windows[0].end_time"


@pytest.mark.parametrize("country", ["de", "DEU", "D", "49"])
def test_a_country_is_two_capitals_or_nothing(country: str) -> None:
    """Nothing is everywhere."""
    refusal = check_title(movie("a", licence_windows=(LicenceWindow(country_code=country, start_time=NOW),)))
    assert refusal is not None
    assert refusal.field == "licence_windows[0].country_code"


@pytest.mark.parametrize("url", ["", "ftp://cdn.example/a", "https://", "https://cdn.example/a b", "javascript:1"])
def test_a_rendition_is_fetched_from_the_web(url: str) -> None:
    """Anything else would be no use to a device, or worse."""
    bad = Rendition(rendition_id="sd", size_bytes=1, url=url)
    refusal = check_title(movie("a", renditions=(bad,)))
    assert refusal is not None
    assert refusal.field == "renditions[0].url"


def test_a_second_row_of_one_id_is_refused_and_says_where_the_first_one_is() -> None:
    """A refused row does not take the id."""
    check = StreamCheck()
    assert check.check(1, movie("a", name="")) is not None
    assert check.check(2, movie("a")) is None
    refusal = check.check(3, movie("a"))
    assert refusal is not None
    assert (refusal.field, refusal.description) == ("title_id", "appears earlier in this stream, in row 2")

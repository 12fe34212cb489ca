"""Titles, as the catalogue holds them once the import rules have passed them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class TitleKind(StrEnum):
    """What a title is."""

    MOVIE = "MOVIE"
    EPISODE = "EPISODE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendition:
    """One encoding of a title."""

    rendition_id: str
    size_bytes: int
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenceWindow:
    """Where ("" is everywhere) and when a title may be shown: from ``start_time`` until before ``end_time``."""

    country_code: str
    start_time: datetime
    end_time: datetime | None = None

    def is_open(self, country_code: str, now: datetime) -> bool:
        """Whether the title may be shown there and then."""
        if self.country_code not in ("", country_code) or now < self.start_time:
            return False
        return self.end_time is None or now < self.end_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Title:
    """A film or an episode. A film has no series and the numbers 0; ``popularity_prior`` is a share of viewers."""

    title_id: str
    name: str
    kind: TitleKind
    series_id: str = ""
    season_number: int = 0
    episode_number: int = 0
    genres: tuple[str, ...] = ()
    maturity_age: int = 0
    duration: timedelta
    renditions: tuple[Rendition, ...]
    licence_windows: tuple[LicenceWindow, ...]
    popularity_prior: float = 0.0

    @property
    def minutes(self) -> float:
        """Its length."""
        return self.duration / timedelta(minutes=1)

    @property
    def smallest(self) -> Rendition:
        """The rendition with the fewest bytes; of equal ones the first by id."""
        first, *others = self.renditions
        for each in others:
            if (each.size_bytes, each.rendition_id) < (first.size_bytes, first.rendition_id):
                first = each
        return first

    def rendition(self, rendition_id: str) -> Rendition | None:
        """The rendition of that id."""
        return next((each for each in self.renditions if each.rendition_id == rendition_id), None)

    def licence_at(self, country_code: str, now: datetime) -> LicenceWindow | None:
        """The open window that lasts longest, or None where the title may not be shown."""
        open_windows = [each for each in self.licence_windows if each.is_open(country_code, now)]
        endless = next((each for each in open_windows if each.end_time is None), None)
        return endless or max(open_windows, key=lambda each: each.end_time or now, default=None)

"""The rules that a row of the catalogue has to pass. The first broken one is named; nothing is mended silently."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.download_planning.domain.titles import LicenceWindow, Rendition, Title, TitleKind

MAX_GENRES: Final = 10
MAX_RENDITIONS: Final = 20
MAX_WINDOWS: Final = 500
MAX_NUMBER: Final = 1_000_000
MAX_SIZE_BYTES: Final = 10**15
MAX_DURATION: Final = timedelta(days=7)
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_RENDITION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,32}", re.ASCII)
_COUNTRY: Final = re.compile(r"(?:[A-Z]{2})?", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s/?#\x00-\x1f\x7f]+[^\s\x00-\x1f\x7f]*", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_URL: Final = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a row was not taken: the field at fault, and what is wrong with it."""

    field: str
    description: str


def check_title(title: Title) -> Refusal | None:
    """The first rule that the title breaks by itself; None for a good one."""
    return next(_problems(title), None)


class StreamCheck:
    """The rules across the rows of one stream, beside those of each row."""

    def __init__(self) -> None:
        self._row_of: dict[str, int] = {}

    def check(self, row: int, title: Title) -> Refusal | None:
        """As :func:`check_title`; also refuses an id that an earlier good row of the stream had."""
        refusal = check_title(title)
        if refusal is None and title.title_id in self._row_of:
            description = f"appears earlier in this stream, in row {self._row_of[title.title_id]}"
            refusal = Refusal(field="title_id", description=description)
        if refusal is None:
            self._row_of[title.title_id] = row
        return refusal


def _problems(title: Title) -> Iterator[Refusal]:
    if not _ID.fullmatch(title.title_id):
        yield Refusal(field="title_id", description="must be 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    if not _is_name(title.name, 200):
        yield Refusal(field="name", description="must be 1 to 200 characters, without control characters")
    yield from _place_problems(title)
    if len(title.genres) > MAX_GENRES:
        yield Refusal(field="genres", description=f"must be at most {MAX_GENRES}")
    for index, genre in enumerate(title.genres):
        if not _is_name(genre, 40):
            yield Refusal(field=f"genres[{index}]", description="must be 1 to 40 characters")
    if not 0 <= title.maturity_age <= 18:
        yield Refusal(field="maturity_age", description="must be between 0 and 18")
    if not timedelta(0) < title.duration <= MAX_DURATION:
        yield Refusal(field="duration", description="must be more than 0 and at most 7 days")
    yield from _rendition_problems(title.renditions)
    yield from _window_problems(title.licence_windows)
    if not (math.isfinite(title.popularity_prior) and 0 <= title.popularity_prior <= 1):
        yield Refusal(field="popularity_prior", description="must be between 0 and 1")


def _place_problems(title: Title) -> Iterator[Refusal]:
    numbers = (("season_number", title.season_number), ("episode_number", title.episode_number))
    if title.kind is TitleKind.EPISODE:
        if not _ID.fullmatch(title.series_id):
            yield Refusal(field="series_id", description="an episode must name its series, with 1 to 64 characters")
        for field, number in numbers:
            if not 1 <= number <= MAX_NUMBER:
                yield Refusal(field=field, description=f"of an episode must be between 1 and {MAX_NUMBER}")
        return
    if title.series_id:
        yield Refusal(field="series_id", description="must be empty: a film has no series")
    for field, number in numbers:
        if number:
            yield Refusal(field=field, description="must be 0: a film has no number")


def _rendition_problems(renditions: Iterable[Rendition]) -> Iterator[Refusal]:
    seen: set[str] = set()
    for index, rendition in enumerate(renditions):
        field = f"renditions[{index}]"
        if index >= MAX_RENDITIONS:
            yield Refusal(field="renditions", description=f"must be at most {MAX_RENDITIONS}")
        if not _RENDITION_ID.fullmatch(rendition.rendition_id):
            yield Refusal(field=f"{field}.rendition_id", description="must be 1 to 32 of A-Z a-z 0-9 . _ : -")
        if rendition.rendition_id in seen:
            yield Refusal(field=f"{field}.rendition_id", description="appears twice in this title")
        if not 0 < rendition.size_bytes <= MAX_SIZE_BYTES:
            yield Refusal(field=f"{field}.size_bytes", description=f"must be between 1 and {MAX_SIZE_BYTES}")
        if len(rendition.url) > _LONGEST_URL or not _URL.fullmatch(rendition.url):
            yield Refusal(field=f"{field}.url", description="must be an http or https URL of at most 2048 characters")
        seen.add(rendition.rendition_id)
    if not seen:
        yield Refusal(field="renditions", description="must be at least one")


def _window_problems(windows: tuple[LicenceWindow, ...]) -> Iterator[Refusal]:
    if not 1 <= len(windows) <= MAX_WINDOWS:
        yield Refusal(field="licence_windows", description=f"must be between 1 and {MAX_WINDOWS}")
    for index, window in enumerate(windows):
        field = f"licence_windows[{index}]"
        if not _COUNTRY.fullmatch(window.country_code):
            yield Refusal(field=f"{field}.country_code", description="must be two capitals, or empty for everywhere")
        if window.end_time is not None and window.end_time <= window.start_time:
            yield Refusal(field=f"{field}.end_time", description="must be later than start_time")


def _is_name(text: str, longest: int) -> bool:
    return 1 <= len(text) <= longest and bool(text.strip()) and not _CONTROL.search(text)

"""Titles, devices and plan inputs with everything in them that a test does not care about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.download_planning.domain.catalogue import Catalogue, Popularity, build_catalogue
from services.download_planning.domain.devices import DownloadSettings, InventoryItem, NetworkType
from services.download_planning.domain.plan import PlanInput, WantedState
from services.download_planning.domain.planner import make_plan
from services.download_planning.domain.sources import with_sources
from services.download_planning.domain.titles import LicenceWindow, Rendition, Title, TitleKind
from services.download_planning.domain.validator import broken_rules
from services.download_planning.domain.viewing import Progress, ViewingState

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MEGABYTE = 1_000_000
EVERYWHERE = LicenceWindow(country_code="", start_time=NOW - timedelta(days=30))
ON = DownloadSettings(downloads_for_you=True, smart_downloads=True, budget_bytes=1000 * MEGABYTE)


def rendition(title_id: str, megabytes: int, rendition_id: str = "sd") -> Rendition:
    """An encoding of that size."""
    url = f"https://cdn.example/{title_id}/{rendition_id}"
    return Rendition(rendition_id=rendition_id, size_bytes=megabytes * MEGABYTE, url=url)


def movie(title_id: str, *, megabytes: int = 500, **fields: Any) -> Title:
    """A film of 100 minutes that everybody may see everywhere."""
    values: dict[str, Any] = {
        "title_id": title_id,
        "name": f"The {title_id}",
        "kind": TitleKind.MOVIE,
        "duration": timedelta(minutes=100),
        "renditions": (rendition(title_id, megabytes),),
        "licence_windows": (EVERYWHERE,),
        "popularity_prior": 0.1,
    }
    return Title(**{**values, **fields})


def episode(series_id: str, season: int, number: int, **fields: Any) -> Title:
    """An episode named after its place."""
    place = {"kind": TitleKind.EPISODE, "series_id": series_id, "season_number": season, "episode_number": number}
    return movie(f"{series_id}.s{season}e{number}", **{**place, **fields})


def catalogue(*titles: Title, viewers: dict[str, int] | None = None, viewer_count: int = 0) -> Catalogue:
    """A catalogue of the titles."""
    popularity = Popularity(viewers=viewers or {}, viewer_count=viewer_count, prior_viewers=50)
    return build_catalogue(1, titles, popularity)


def seen(title_id: str, state: str = "FINISHED", *, hours_ago: float = 1) -> Progress:
    """Where the profile stands with a title."""
    return Progress(title_id=title_id, state=ViewingState(state), event_time=NOW - timedelta(hours=hours_ago))


def there(title_id: str, megabytes: int = 500, *, rendition_id: str = "sd", **flags: Any) -> InventoryItem:
    """Something complete on the device."""
    flags = {"complete": True} | flags
    return InventoryItem(title_id=title_id, rendition_id=rendition_id, downloaded_bytes=megabytes * MEGABYTE, **flags)


def plan_input(titles: Catalogue, *, progress: Iterable[Progress] = (), ahead: int = 1, **fields: Any) -> PlanInput:
    """An adult's empty phone with plenty of room, in Germany, on Wi-Fi; titles as the service finds them."""
    by_title = {each.title_id: each for each in progress}
    values: dict[str, Any] = {
        "now": NOW,
        "country_code": "DE",
        "maturity_age": 18,
        "settings": ON,
        "network": NetworkType.WIFI,
        "inventory": (),
        "free_bytes": 10**12,
        "progress": by_title,
        "max_items": 100,
        "max_candidates": 500,
    }
    request = PlanInput(**{**values, **fields})
    return with_sources(request, titles, episodes_ahead=ahead, max_threads=10)


SERIES = catalogue(*(episode("x", season, number, megabytes=300) for season in (1, 2) for number in (1, 2)))
"""Two seasons of two episodes."""


def planned(request: PlanInput) -> WantedState:
    """The plan, which has to pass the validator."""
    state = make_plan(request).state
    assert broken_rules(request, state) == ()
    return state


def ids(state: WantedState) -> list[str]:
    """The planned titles, in their order."""
    return [item.title_id for item in state.items]

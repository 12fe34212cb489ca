"""The catalogue in PostgreSQL: titles in by the batch, snapshots out, sums of what was watched."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from asyncpg import Record

from libs.persistence.database import Database, Executor
from libs.runtime.errors import ErrorReason, ServiceError
from services.download_planning.domain.catalogue import Catalogue, Popularity, build_catalogue
from services.download_planning.domain.titles import LicenceWindow, Rendition, Title, TitleKind
from services.download_planning.storage import sql

_GENRE_SEPARATOR: Final = "\x1f"
_MILLISECOND: Final = timedelta(milliseconds=1)


class CatalogueStore:
    """Titles, and how popular they are. ``prior_viewers`` is the weight of a title's prior, in profiles."""

    def __init__(self, database: Database, *, prior_viewers: int) -> None:
        self._database = database
        self._prior_viewers = prior_viewers

    async def save(self, titles: Sequence[Title], now: datetime) -> None:
        """Put the titles, of distinct ids, in place of those with the same ids: all of them or none."""
        if not titles:
            return
        ids = [title.title_id for title in titles]
        async with self._database.transaction() as tx:
            await tx.execute(sql.BUMP_CATALOGUE)
            await tx.execute(sql.UPSERT_TITLES, *_columns(map(_title_row, titles)), now)
            await tx.execute(sql.DELETE_RENDITIONS, ids)
            await tx.execute(sql.INSERT_RENDITIONS, *_columns(_rendition_rows(titles)))
            await tx.execute(sql.DELETE_WINDOWS, ids)
            await tx.execute(sql.INSERT_WINDOWS, *_columns(_window_rows(titles)))

    async def load(self) -> Catalogue:
        """The newest version, whole."""
        async with self._database.transaction(isolation="repeatable_read") as tx:
            state = await tx.fetch_row(sql.CATALOGUE_STATE)
            titles = await tx.fetch(sql.LIST_TITLES)
            renditions = await tx.fetch(sql.LIST_RENDITIONS)
            windows = await tx.fetch(sql.LIST_WINDOWS)
            viewers = await _viewers(tx)
        if state is None:
            raise ServiceError(ErrorReason.INTERNAL, detail="the row of catalogue_state is missing")
        popularity = Popularity(viewers=viewers, viewer_count=state["viewer_count"], prior_viewers=self._prior_viewers)
        # Off the event loop: tens of milliseconds for ten thousand titles.
        return await asyncio.to_thread(_assemble, state["version"], titles, renditions, windows, popularity)

    async def refresh_popularity(self, now: datetime, *, interval: timedelta, window: timedelta) -> bool:
        """Sum anew what was watched within the window, unless a replica did so within the interval.

        True where the sums are different from those before, and the catalogue has a new version.
        """
        if await self._database.fetch_value(sql.CLAIM_POPULARITY, now, now - interval) is None:
            return False
        rows = await self._database.fetch(sql.SUM_POPULARITY, now - window)
        sums = {row["title_id"]: row["viewer_count"] for row in rows}
        viewer_count = await self._database.fetch_value(sql.COUNT_VIEWERS, now - window)
        async with self._database.transaction() as tx:
            state = await tx.fetch_row(sql.CATALOGUE_STATE)
            if state is not None and state["viewer_count"] == viewer_count and await _viewers(tx) == sums:
                return False
            await tx.execute(sql.SET_VIEWER_COUNT, viewer_count)
            await tx.execute(sql.CLEAR_POPULARITY)
            await tx.execute(sql.INSERT_POPULARITY, list(sums.keys()), list(sums.values()))
        return True


class CatalogueCache:
    """The newest catalogue that was asked for, shared by all calls of this process."""

    def __init__(self, store: CatalogueStore) -> None:
        self._store = store
        self._catalogue: Catalogue | None = None
        self._loading = asyncio.Lock()

    async def at_version(self, version: int) -> Catalogue:
        """The catalogue at this version or a newer one; read from the database where it is older."""
        if self._catalogue is None or self._catalogue.version < version:
            async with self._loading:
                if self._catalogue is None or self._catalogue.version < version:
                    self._catalogue = await self._store.load()
        return self._catalogue


async def _viewers(executor: Executor) -> dict[str, int]:
    return {row["title_id"]: row["viewer_count"] for row in await executor.fetch(sql.LIST_POPULARITY)}


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows turned into an array for each column, as ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def _title_row(title: Title) -> tuple[Any, ...]:
    return (
        title.title_id,
        title.name,
        str(title.kind),
        title.series_id,
        title.season_number,
        title.episode_number,
        _GENRE_SEPARATOR.join(title.genres),
        title.maturity_age,
        title.duration // _MILLISECOND,
        title.popularity_prior,
    )


def _rendition_rows(titles: Sequence[Title]) -> Iterable[tuple[Any, ...]]:
    return (
        (title.title_id, each.rendition_id, each.size_bytes, each.url) for title in titles for each in title.renditions
    )


def _window_rows(titles: Sequence[Title]) -> Iterable[tuple[Any, ...]]:
    return (
        (title.title_id, ordinal, each.country_code, each.start_time, each.end_time)
        for title in titles
        for ordinal, each in enumerate(title.licence_windows)
    )


def _assemble(
    version: int,
    titles: Sequence[Record],
    rendition_rows: Sequence[Record],
    window_rows: Sequence[Record],
    popularity: Popularity,
) -> Catalogue:
    renditions: dict[str, list[Rendition]] = defaultdict(list)
    for row in rendition_rows:
        renditions[row["title_id"]].append(
            Rendition(rendition_id=row["rendition_id"], size_bytes=row["size_bytes"], url=row["url"])
        )
    windows: dict[str, list[LicenceWindow]] = defaultdict(list)
    for row in window_rows:
        windows[row["title_id"]].append(
            LicenceWindow(country_code=row["country_code"], start_time=row["start_time"], end_time=row["end_time"])
        )
    found = (_title(row, renditions[row["title_id"]], windows[row["title_id"]]) for row in titles)
    return build_catalogue(version, found, popularity)


def _title(row: Record, renditions: list[Rendition], windows: list[LicenceWindow]) -> Title:
    return Title(
        title_id=row["title_id"],
        name=row["name"],
        kind=TitleKind(row["kind"]),
        series_id=row["series_id"],
        season_number=row["season_number"],
        episode_number=row["episode_number"],
        genres=tuple(row["genres"]),
        maturity_age=row["maturity_age"],
        duration=row["duration_ms"] * _MILLISECOND,
        renditions=tuple(renditions),
        licence_windows=tuple(windows),
        popularity_prior=row["popularity_prior"],
    )

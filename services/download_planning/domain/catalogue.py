"""The catalogue as planning reads it: one version, indexed once, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.download_planning.domain.titles import Title, TitleKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Popularity:
    """How many profiles watched each title, of how many that watched anything, within the popularity window."""

    viewers: Mapping[str, int]
    viewer_count: int
    prior_viewers: int
    """The weight of a title's prior, in profiles."""

    def share(self, title: Title) -> float:
        """The share of viewers expected to watch it: the prior at first, what was seen in the long run."""
        seen = self.viewers.get(title.title_id, 0)
        share = (title.popularity_prior * self.prior_viewers + seen) / max(1, self.prior_viewers + self.viewer_count)
        return min(1.0, share)


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """The titles of one version by id, the episodes of each series in order, and title ids by worth per byte."""

    version: int
    titles: Mapping[str, Title]
    shares: Mapping[str, float]
    episodes: Mapping[str, tuple[str, ...]]
    ranked: tuple[str, ...]

    def is_first_episode(self, title: Title) -> bool:
        """Whether a series begins with it; no film is one."""
        return title.kind is TitleKind.EPISODE and self.episodes[title.series_id][0] == title.title_id

    def episodes_after(self, title: Title) -> tuple[str, ...]:
        """The episodes that follow in its series, those of later seasons included."""
        ordered = self.episodes.get(title.series_id, ())
        return ordered[ordered.index(title.title_id) + 1 :] if title.title_id in ordered else ()


def build_catalogue(version: int, titles: Iterable[Title], popularity: Popularity) -> Catalogue:
    """Index a version's titles. The same titles in another order give the same catalogue."""
    by_id = {title.title_id: title for title in sorted(titles, key=lambda each: each.title_id)}
    shares = {title_id: popularity.share(title) for title_id, title in by_id.items()}
    worth = {title_id: worth_per_byte(title, shares[title_id]) for title_id, title in by_id.items()}
    return Catalogue(
        version=version,
        titles=by_id,
        shares=shares,
        episodes=_episodes(by_id.values()),
        ranked=tuple(sorted(by_id, key=lambda title_id: (-worth[title_id], title_id))),
    )


def worth_per_byte(title: Title, probability: float, size_bytes: int | None = None) -> float:
    """The minutes that are expected to be watched, per gigabyte; of the smallest rendition where no size is given."""
    return probability * title.minutes * 1e9 / (size_bytes or title.smallest.size_bytes)


def _episodes(titles: Iterable[Title]) -> dict[str, tuple[str, ...]]:
    series: dict[str, list[Title]] = {}
    for title in titles:
        if title.kind is TitleKind.EPISODE:
            series.setdefault(title.series_id, []).append(title)
    return {key: tuple(each.title_id for each in sorted(found, key=_place)) for key, found in series.items()}


def _place(title: Title) -> tuple[int, int, str]:
    return title.season_number, title.episode_number, title.title_id

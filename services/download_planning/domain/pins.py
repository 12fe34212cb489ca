"""What follows from what is being watched: the titles in progress, and the next episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.download_planning.domain.catalogue import Catalogue
from services.download_planning.domain.plan import PlanReason, Suggestion
from services.download_planning.domain.titles import Title
from services.download_planning.domain.viewing import Progress, ViewingState

IN_PROGRESS_TEXT = "You are watching it"


def find_pins(
    catalogue: Catalogue, progress: Mapping[str, Progress], *, episodes_ahead: int, max_threads: int
) -> tuple[Suggestion, ...]:
    """Titles in progress, then next episodes; within each, what was watched last comes first.

    A thread is a film, or a series at its newest event. Only the ``max_threads`` newest threads count; a series that
    was abandoned at its newest event has no next episode. Finished and abandoned episodes are passed over.
    """
    newest = _threads(catalogue, progress.values())[:max_threads]
    current = [_in_progress(each) for each in newest if each.state is ViewingState.IN_PROGRESS]
    following = [pin for each in newest for pin in _next(catalogue, progress, each, episodes_ahead)]
    return (*current, *following)


def started_series(catalogue: Catalogue, progress: Iterable[str]) -> frozenset[str]:
    """The series of which the profile has watched anything."""
    titles = (catalogue.titles.get(title_id) for title_id in progress)
    return frozenset(title.series_id for title in titles if title is not None and title.series_id)


def _threads(catalogue: Catalogue, progress: Iterable[Progress]) -> list[Progress]:
    threads: dict[str, Progress] = {}
    for each in sorted(progress, key=_recency, reverse=True):
        title = catalogue.titles.get(each.title_id)
        if title is not None:
            # An id of a series may equal that of a film: keep the two apart.
            threads.setdefault(f"series {title.series_id}" if title.series_id else f"film {title.title_id}", each)
    return list(threads.values())


def _recency(progress: Progress) -> tuple[float, str]:
    return progress.event_time.timestamp(), progress.title_id


def _in_progress(progress: Progress) -> Suggestion:
    return Suggestion(
        title_id=progress.title_id, probability=1.0, reason=PlanReason.IN_PROGRESS, reason_text=IN_PROGRESS_TEXT
    )


def _next(catalogue: Catalogue, progress: Mapping[str, Progress], thread: Progress, ahead: int) -> Iterable[Suggestion]:
    if thread.state is ViewingState.ABANDONED:
        return []
    watched = catalogue.titles[thread.title_id]
    unseen = [each for each in catalogue.episodes_after(watched) if not _is_over(progress.get(each))]
    return [_following(title_id, watched) for title_id in unseen[:ahead]]


def _is_over(progress: Progress | None) -> bool:
    return progress is not None and progress.state is not ViewingState.IN_PROGRESS


def _following(title_id: str, watched: Title) -> Suggestion:
    return Suggestion(
        title_id=title_id,
        probability=1.0,
        reason=PlanReason.NEXT_EPISODE,
        reason_text=f"Next episode of the series you are watching, after “{watched.name}”",
    )

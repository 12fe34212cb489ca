"""What a profile may like. For now: what many people watch, in the order of expected minutes per byte."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.download_planning.domain.catalogue import Catalogue
from services.download_planning.domain.plan import PlanReason, Suggestion
from services.download_planning.domain.titles import Title

POPULAR_TEXT = "Popular now"


def suggest_popular(
    catalogue: Catalogue,
    is_eligible: Callable[[Title], bool],
    *,
    started: Collection[str],
    on_device: Collection[str],
    limit: int,
) -> tuple[Suggestion, ...]:
    """The ``limit`` best titles that pass ``is_eligible``, the ``limit`` best of all, and those on the device.

    The second are there to be explained: the planner filters again. Of a series only the first episode is suggested,
    and nothing of one that the profile has ``started``: its next episode is a pin.
    """
    best: list[str] = []
    eligible: list[str] = []
    for title_id in catalogue.ranked:
        title = catalogue.titles[title_id]
        if len(eligible) >= limit:
            break
        if _stands_alone(catalogue, title, started):
            best += [title_id] if len(best) < limit else []
            eligible += [title_id] if is_eligible(title) else []
    there = sorted(each for each in on_device if each in catalogue.titles)
    return tuple(_popular(catalogue, each) for each in dict.fromkeys([*eligible, *best, *there]))


def _stands_alone(catalogue: Catalogue, title: Title, started: Collection[str]) -> bool:
    return not title.series_id or (title.series_id not in started and catalogue.is_first_episode(title))


def _popular(catalogue: Catalogue, title_id: str) -> Suggestion:
    return Suggestion(
        title_id=title_id,
        probability=catalogue.shares[title_id],
        reason=PlanReason.POPULAR,
        reason_text=POPULAR_TEXT,
    )

"""Where a plan's titles come from: pins and taste, put into the plan's input."""

from __future__ import annotations

import dataclasses

from services.download_planning.domain.catalogue import Catalogue
from services.download_planning.domain.eligibility import exclusion_of
from services.download_planning.domain.pins import find_pins, started_series
from services.download_planning.domain.plan import PlanInput
from services.download_planning.domain.taste import suggest_popular
from services.download_planning.domain.titles import Title


def with_sources(request: PlanInput, catalogue: Catalogue, *, episodes_ahead: int, max_threads: int) -> PlanInput:
    """The request with the catalogue's titles, and the pins and suggestions that follow from the rest of it."""

    def is_eligible(title: Title) -> bool:
        if exclusion_of(title, request) is not None:
            return False
        # What could never fit would only keep better candidates out of the first so many.
        return title.smallest.size_bytes <= request.settings.budget_bytes

    return dataclasses.replace(
        request,
        titles=catalogue.titles,
        pins=find_pins(catalogue, request.progress, episodes_ahead=episodes_ahead, max_threads=max_threads),
        suggestions=suggest_popular(
            catalogue,
            is_eligible,
            started=started_series(catalogue, request.progress),
            on_device=[item.title_id for item in request.inventory],
            limit=request.max_candidates,
        ),
    )

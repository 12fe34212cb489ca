"""The hard filters: which titles no plan may hold, whatever they are worth."""

from __future__ import annotations

from services.download_planning.domain.plan import ExclusionReason, PlanInput, PlanReason
from services.download_planning.domain.titles import Title
from services.download_planning.domain.viewing import ViewingState


def exclusion_of(title: Title, request: PlanInput) -> ExclusionReason | None:
    """The first hard filter that keeps the title from this viewer, in this country, now."""
    if title.maturity_age > request.maturity_age:
        return ExclusionReason.MATURITY
    if title.licence_at(request.country_code, request.now) is None:
        return ExclusionReason.LICENCE
    progress = request.progress.get(title.title_id)
    if progress is not None and progress.state is not ViewingState.IN_PROGRESS:
        return ExclusionReason.WATCHED
    return None


def is_switched_on(reason: PlanReason, request: PlanInput) -> bool:
    """Whether the viewer wants items of this kind: pins are Smart Downloads, the rest Downloads For You."""
    return request.settings.smart_downloads if reason.is_pin else request.settings.downloads_for_you

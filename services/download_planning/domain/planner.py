"""The planner: hard filters, then pins in their order, then the rest by worth per byte, greedily within the room.

What is on the device and may stay is considered before anything new, so that a plan does not fetch one title in place
of another that is there already and is hardly worth less. Pins may displace it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.download_planning.domain.catalogue import worth_per_byte
from services.download_planning.domain.devices import InventoryItem
from services.download_planning.domain.eligibility import exclusion_of, is_switched_on
from services.download_planning.domain.plan import (
    Candidate,
    ExclusionReason,
    PlanInput,
    PlanItem,
    Planning,
    PlanRemoval,
    RemovalReason,
    Suggestion,
    WantedState,
)
from services.download_planning.domain.room import Room
from services.download_planning.domain.titles import Rendition, Title
from services.download_planning.domain.viewing import ViewingState


def make_plan(request: PlanInput) -> Planning:
    """The wanted state of a device, and what was considered for it. Pure and deterministic."""
    draft = _Draft(request)
    for pin in request.pins:
        draft.consider(pin)
    draft.hold_watched()
    rest = sorted(request.suggestions, key=draft.order)
    for suggestion in rest:
        draft.consider(suggestion)
    state = WantedState(
        items=tuple(draft.items.values()),
        removals=tuple(draft.removals()),
        budget_bytes=request.settings.budget_bytes,
        waits_for_wifi=request.settings.waits_for_wifi(request.network),
    )
    return Planning(state=state, candidates=_best(draft.candidates.values(), request.max_candidates))


class _Draft:
    """A plan in the making."""

    def __init__(self, request: PlanInput) -> None:
        self._request = request
        self._room = Room(request)
        self._present = {item.title_id: item for item in request.inventory}
        self._held: dict[str, str] = {}
        self.items: dict[str, PlanItem] = {}
        self.candidates: dict[str, Candidate] = {}

    def order(self, suggestion: Suggestion) -> tuple[bool, float, str]:
        """What is on the device first, then by worth per byte, then by id."""
        title = self._request.titles[suggestion.title_id]
        worth = worth_per_byte(title, suggestion.probability, self._rendition(title).size_bytes)
        return suggestion.title_id not in self._present, -worth, suggestion.title_id

    def consider(self, suggestion: Suggestion) -> None:
        """Plan the title where the filters and the room allow it, and note the outcome."""
        title = self._request.titles[suggestion.title_id]
        present = self._present.get(title.title_id)
        if title.title_id in self.items or (present is not None and present.by_hand):
            return
        rendition = self._rendition(title)
        exclusion = exclusion_of(title, self._request)
        if exclusion is None and not is_switched_on(suggestion.reason, self._request):
            exclusion = ExclusionReason.SWITCHED_OFF
        if exclusion is None:
            exclusion = self._room.take(rendition, present)
        if exclusion is None:
            self.items[title.title_id] = self._item(title, rendition, suggestion)
        score = worth_per_byte(title, suggestion.probability, rendition.size_bytes)
        self.candidates[title.title_id] = Candidate(title_id=title.title_id, score=score, exclusion=exclusion)

    def hold_watched(self) -> None:
        """Let what was watched stay until its replacement is there, the newest first, as far as the room goes."""
        progress = self._request.progress
        watched = [item for item in self._removable() if self._removal_reason(item) is RemovalReason.WATCHED]
        watched.sort(key=lambda each: (progress[each.title_id].event_time, each.title_id), reverse=True)
        for item in watched:
            replacement = self._replacement(self._request.titles[item.title_id])
            if replacement is not None and self._room.hold(item):
                self._held[item.title_id] = replacement

    def removals(self) -> Iterator[PlanRemoval]:
        """What has to go, by id."""
        for item in sorted(self._removable(), key=lambda each: each.title_id):
            if item.title_id not in self.items:
                yield PlanRemoval(
                    title_id=item.title_id,
                    reason=self._removal_reason(item),
                    after_title_id=self._held.get(item.title_id, ""),
                )

    def _removable(self) -> Iterator[InventoryItem]:
        return (item for item in self._request.inventory if not item.is_protected)

    def _rendition(self, title: Title) -> Rendition:
        """The one that is on the device, so that nothing is fetched twice, else the smallest."""
        present = self._present.get(title.title_id)
        return (title.rendition(present.rendition_id) if present else None) or title.smallest

    def _item(self, title: Title, rendition: Rendition, suggestion: Suggestion) -> PlanItem:
        licence = title.licence_at(self._request.country_code, self._request.now)
        return PlanItem(
            title_id=title.title_id,
            name=title.name,
            rendition_id=rendition.rendition_id,
            size_bytes=rendition.size_bytes,
            url=rendition.url,
            reason=suggestion.reason,
            reason_text=suggestion.reason_text,
            priority=len(self.items) + 1,
            keep_until=licence.end_time if licence else None,
        )

    def _removal_reason(self, item: InventoryItem) -> RemovalReason:
        title = self._request.titles.get(item.title_id)
        if not self._request.settings.is_on:
            return RemovalReason.NOT_WANTED
        if title is None:
            return RemovalReason.LICENCE_ENDED
        match exclusion_of(title, self._request):
            case ExclusionReason.LICENCE:
                return RemovalReason.LICENCE_ENDED
            case ExclusionReason.WATCHED:
                is_finished = self._request.progress[item.title_id].state is ViewingState.FINISHED
                return RemovalReason.WATCHED if is_finished else RemovalReason.NOT_WANTED
            case None if self._found_no_room(item):
                return RemovalReason.REPLACED
        return RemovalReason.NOT_WANTED

    def _found_no_room(self, item: InventoryItem) -> bool:
        candidate = self.candidates.get(item.title_id)
        no_room = (ExclusionReason.BUDGET, ExclusionReason.DEVICE_LIMIT)
        return candidate is not None and candidate.exclusion in no_room

    def _replacement(self, watched: Title) -> str | None:
        """The first planned title of the same series that is not complete on the device yet."""
        for title_id in self.items:
            present = self._present.get(title_id)
            is_complete = present is not None and present.complete
            if watched.series_id and self._request.titles[title_id].series_id == watched.series_id and not is_complete:
                return title_id
        return None


def _best(candidates: Iterable[Candidate], limit: int) -> tuple[Candidate, ...]:
    """The best by score, and by id where that is equal; what was planned is among them in any case."""
    by_score = sorted(candidates, key=lambda each: (-each.score, each.title_id))
    kept = sorted(by_score, key=lambda each: each.exclusion is not None)[:limit]
    return tuple(sorted(kept, key=lambda each: (-each.score, each.title_id)))

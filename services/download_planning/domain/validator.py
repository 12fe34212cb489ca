"""The validator: looks at a finished plan alone, with none of the planner's code, and names every rule it breaks."""

from __future__ import annotations

from collections.abc import Iterator

from services.download_planning.domain.devices import InventoryItem
from services.download_planning.domain.plan import PlanInput, PlanItem, PlanReason, PlanRemoval, WantedState
from services.download_planning.domain.titles import LicenceWindow
from services.download_planning.domain.viewing import ViewingState


def broken_rules(request: PlanInput, state: WantedState) -> tuple[str, ...]:
    """The rules that the plan breaks, in words with the title's id; none for a plan that may be sent."""
    present = {item.title_id: item for item in request.inventory}
    return (
        *_list_problems(request, state),
        *(problem for item in state.items for problem in _item_problems(request, item, present.get(item.title_id))),
        *(problem for each in state.removals for problem in _removal_problems(state, each, present)),
        *_byte_problems(request, state, present),
    )


def _list_problems(request: PlanInput, state: WantedState) -> Iterator[str]:
    listed = [item.title_id for item in state.items]
    removed = [removal.title_id for removal in state.removals]
    if len(set(listed)) < len(listed) or len(set(removed)) < len(removed) or set(listed) & set(removed):
        yield "a title stands twice in the plan"
    if [item.priority for item in state.items] != list(range(1, len(listed) + 1)):
        yield "priorities do not count from 1"
    if state.budget_bytes != request.settings.budget_bytes:
        yield "the plan's budget is not the viewer's"
    staying = {item.title_id for item in request.inventory if item.by_hand or item.playing}
    waiting = {removal.title_id for removal in state.removals if removal.after_title_id}
    if listed and len(staying | set(listed) | waiting) > request.max_items:
        yield "more downloads than a device may hold"
    for item in request.inventory:
        if item.title_id not in {*listed, *removed} | staying:
            yield f"{item.title_id}: on the device, neither wanted nor removed"


def _item_problems(request: PlanInput, item: PlanItem, present: InventoryItem | None) -> Iterator[str]:
    title = request.titles.get(item.title_id)
    if title is None:
        yield f"{item.title_id}: not in the catalogue"
        return
    if title.maturity_age > request.maturity_age:
        yield f"{item.title_id}: rated above the profile's age"
    open_windows = [each for each in title.licence_windows if _is_open(each, request)]
    if not open_windows:
        yield f"{item.title_id}: no licence"
    elif item.keep_until not in [each.end_time for each in open_windows]:
        yield f"{item.title_id}: kept beyond its licence"
    if (item.rendition_id, item.size_bytes) not in [(each.rendition_id, each.size_bytes) for each in title.renditions]:
        yield f"{item.title_id}: no such rendition"
    seen = request.progress.get(item.title_id)
    if seen is not None and seen.state in (ViewingState.FINISHED, ViewingState.ABANDONED):
        yield f"{item.title_id}: already watched"
    if present is not None and present.by_hand:
        yield f"{item.title_id}: downloaded by hand"
    is_smart = item.reason in (PlanReason.IN_PROGRESS, PlanReason.NEXT_EPISODE)
    if not (request.settings.smart_downloads if is_smart else request.settings.downloads_for_you):
        yield f"{item.title_id}: switched off"


def _is_open(window: LicenceWindow, request: PlanInput) -> bool:
    has_begun = window.start_time <= request.now
    has_ended = window.end_time is not None and window.end_time <= request.now
    return window.country_code in ("", request.country_code) and has_begun and not has_ended


def _removal_problems(state: WantedState, removal: PlanRemoval, present: dict[str, InventoryItem]) -> Iterator[str]:
    item = present.get(removal.title_id)
    if item is None:
        yield f"{removal.title_id}: removed, and not on the device"
        return
    if item.by_hand or item.playing:
        yield f"{removal.title_id}: removed, and protected"
    if not removal.after_title_id:
        return
    successor = present.get(removal.after_title_id)
    if removal.after_title_id not in {each.title_id for each in state.items}:
        yield f"{removal.title_id}: waits for a title that is not planned"
    elif successor is not None and successor.complete:
        yield f"{removal.title_id}: waits for a title that is complete"


def _byte_problems(request: PlanInput, state: WantedState, present: dict[str, InventoryItem]) -> Iterator[str]:
    if state.planned_bytes > request.settings.budget_bytes:
        yield "planned bytes exceed the budget"
    gone = {removal.title_id for removal in state.removals if not removal.after_title_id}
    listed = {item.title_id for item in state.items}
    lingering = [each for each in request.inventory if each.title_id not in gone | listed and not each.by_hand]
    peak = sum(each.downloaded_bytes for each in lingering)
    fetched = 0
    for item in state.items:
        there = present.get(item.title_id)
        held = there.downloaded_bytes if there else 0
        reused = held if there and there.rendition_id == item.rendition_id else 0
        missing = max(0, item.size_bytes - reused)
        fetched += missing
        peak += held + missing
    if listed and peak > request.settings.budget_bytes:
        yield "bytes on the device would exceed the budget on the way"
    if fetched > request.free_bytes + sum(present[each].downloaded_bytes for each in gone if each in present):
        yield "more to fetch than the device has room for"

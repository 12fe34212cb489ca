"""Over random catalogues, histories and devices: no plan breaks a rule, and the validator sees one that would."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.download_planning.domain.devices import DownloadSettings, InventoryItem, NetworkType
from services.download_planning.domain.etag import etag_of
from services.download_planning.domain.plan import PlanInput, Planning
from services.download_planning.domain.planner import make_plan
from services.download_planning.domain.titles import LicenceWindow, Title
from services.download_planning.domain.validator import broken_rules
from services.download_planning.domain.viewing import ViewingState
from tests.unit.download_planning import planning_world as world
from tests.unit.download_planning.planning_world import MEGABYTE, NOW

RENDITIONS = ("sd", "hd", "uhd")
IDS = tuple(f"m{number}" for number in range(6)) + tuple(
    f"{series}.s{season}e{number}" for series in ("x", "y") for season in (1, 2) for number in (1, 2)
)
sizes = st.integers(1, 400)
mostly = st.sampled_from([True, True, True, False])
states = st.sampled_from([*ViewingState, ViewingState.FINISHED])
rarely = st.sampled_from([False, False, False, True])


@st.composite
def windows(draw: st.DrawFn) -> LicenceWindow:
    """A window around now, before it, or after it; mostly one that lets the title be planned."""
    if draw(mostly):
        return world.EVERYWHERE
    start = NOW + timedelta(hours=draw(st.integers(-48, 24)))
    length = draw(st.none() | st.integers(1, 72))
    end = None if length is None else start + timedelta(hours=length)
    return LicenceWindow(country_code=draw(st.sampled_from(["", "DE", "FR"])), start_time=start, end_time=end)


@st.composite
def titles(draw: st.DrawFn, title_id: str) -> Title:
    """A film or an episode, as its id says."""
    names = draw(st.lists(st.sampled_from(RENDITIONS), min_size=1, max_size=3, unique=True))
    fields: dict[str, Any] = {
        "renditions": tuple(world.rendition(title_id, draw(sizes), name) for name in names),
        "licence_windows": tuple(draw(st.lists(windows(), min_size=1, max_size=2))),
        "maturity_age": draw(st.sampled_from([0, 0, 0, 12, 18])),
        "popularity_prior": draw(st.floats(0, 1)),
        "duration": timedelta(minutes=draw(st.integers(1, 200))),
    }
    if title_id.startswith("m"):
        return world.movie(title_id, **fields)
    series, season, number = title_id[0], int(title_id[3]), int(title_id[5])
    return world.episode(series, season, number, **fields)


@st.composite
def inventories(draw: st.DrawFn, watched: Iterable[str]) -> tuple[InventoryItem, ...]:
    """What may be on a device: much of what was watched, and titles that the catalogue does not know."""
    ids = [title_id for title_id in watched if draw(st.booleans())]
    ids += [title_id for title_id in draw(st.lists(st.sampled_from([*IDS, "gone"]), max_size=4)) if title_id not in ids]
    return tuple(
        InventoryItem(
            title_id=title_id,
            rendition_id=draw(st.sampled_from(RENDITIONS)),
            downloaded_bytes=draw(sizes) * MEGABYTE,
            complete=draw(st.booleans()),
            by_hand=draw(rarely),
            playing=draw(rarely),
        )
        for title_id in dict.fromkeys(ids)
    )


@st.composite
def inputs(draw: st.DrawFn) -> PlanInput:
    """Everything that a plan depends on."""
    ids = draw(st.permutations(IDS))[draw(st.integers(0, 6)) :]
    catalogue = world.catalogue(*[draw(titles(title_id)) for title_id in ids])
    watched = draw(st.dictionaries(st.sampled_from(IDS), states, max_size=6))
    chosen = DownloadSettings(
        downloads_for_you=draw(mostly),
        smart_downloads=draw(mostly),
        budget_bytes=draw(st.integers(0, 25)) * 100 * MEGABYTE,
        allow_mobile_data=draw(st.booleans()),
    )
    return world.plan_input(
        catalogue,
        progress=[world.seen(each, state, hours_ago=draw(st.integers(0, 9))) for each, state in watched.items()],
        ahead=draw(st.integers(1, 3)),
        settings=chosen,
        maturity_age=draw(st.sampled_from([0, 12, 18, 18])),
        inventory=draw(inventories(watched)),
        free_bytes=draw(st.integers(0, 25)) * 100 * MEGABYTE,
        network=draw(st.sampled_from(NetworkType)),
        max_items=draw(st.sampled_from([2, 100, 100])),
    )


@settings(max_examples=150, deadline=None)
@given(inputs())
def test_no_plan_breaks_a_rule(request: PlanInput) -> None:
    """The validator, which shares no code with the planner, finds nothing."""
    assert broken_rules(request, make_plan(request).state) == ()


@settings(max_examples=60, deadline=None)
@given(inputs())
def test_the_rules_that_never_bend_hold_as_a_caller_can_check_them(request: PlanInput) -> None:
    """Budget, rating, licence, number of downloads, and what nobody may remove: stated anew, in the plainest way."""
    state = make_plan(request).state
    present = {item.title_id: item for item in request.inventory}
    assert sum(item.size_bytes for item in state.items) == state.planned_bytes <= request.settings.budget_bytes
    assert len(state.items) <= request.max_items
    for item in state.items:
        title = request.titles[item.title_id]
        assert title.maturity_age <= request.maturity_age
        assert title.licence_at(request.country_code, request.now) is not None
        assert item.keep_until is None or item.keep_until > request.now
    for removal in state.removals:
        assert not present[removal.title_id].by_hand
        assert not present[removal.title_id].playing
    if not request.settings.is_on:
        assert state.items == ()


@settings(max_examples=60, deadline=None)
@given(inputs(), st.randoms())
def test_the_same_facts_in_another_order_give_the_same_plan(request: PlanInput, random: object) -> None:
    """Order of the inventory, of the suggestions and of the catalogue is no fact."""
    shuffled = dataclasses.replace(
        request,
        inventory=_shuffled(request.inventory, random),
        suggestions=_shuffled(request.suggestions, random),
        titles=dict(_shuffled(tuple(request.titles.items()), random)),
    )
    first, second = make_plan(request), make_plan(shuffled)
    assert first == second
    assert etag_of(first.state) == etag_of(second.state)


@settings(max_examples=60, deadline=None)
@given(inputs())
def test_a_device_that_did_as_told_has_nothing_more_to_remove(request: PlanInput) -> None:
    """Removals done and items fetched, the next plan keeps them all: plans settle instead of churning.

    A pin whose copy in another rendition stood in its own way comes once that is gone, and may displace: one plan more.
    """
    planned = make_plan(request)
    listed = {item.title_id for item in planned.state.items}
    if any(pin.title_id in {each.title_id for each in planned.state.removals} for pin in request.pins):
        request, planned = (after := _obeyed(request, planned)), make_plan(after)
        listed = {item.title_id for item in planned.state.items}
    again = make_plan(_obeyed(request, planned)).state
    assert not {removal.title_id for removal in again.removals} & listed


@settings(max_examples=60, deadline=None)
@given(inputs(), st.data())
def test_the_validator_refuses_what_a_wrong_planner_would_send(request: PlanInput, data: st.DataObject) -> None:
    """The negative control: a plan bent in any one place is refused."""
    state = make_plan(request).state
    item_of = {item.title_id: item for item in state.items}
    wrong = [
        dataclasses.replace(state, budget_bytes=state.budget_bytes + 1),
        *(dataclasses.replace(state, items=(*state.items, item)) for item in state.items),
        *(dataclasses.replace(state, removals=state.removals[1:]) for _ in state.removals[:1]),
    ]
    bent = data.draw(st.sampled_from(wrong))
    assert broken_rules(request, bent)
    if item_of:
        item = data.draw(st.sampled_from(list(item_of.values())))
        stricter = dataclasses.replace(
            request, settings=dataclasses.replace(request.settings, budget_bytes=state.planned_bytes - 1)
        )
        assert "planned bytes exceed the budget" in broken_rules(stricter, state)
        unlicensed = dataclasses.replace(request.titles[item.title_id], licence_windows=())
        elsewhere = dataclasses.replace(request, titles={**request.titles, item.title_id: unlicensed})
        assert f"{item.title_id}: no licence" in broken_rules(elsewhere, state)


def _shuffled(values: tuple, random: object) -> tuple:  # type: ignore[type-arg]  # of anything
    copy = list(values)
    random.shuffle(copy)  # type: ignore[attr-defined]
    return tuple(copy)


def _obeyed(request: PlanInput, planning: Planning) -> PlanInput:
    removed = {removal.title_id for removal in planning.state.removals}
    listed = {item.title_id: item for item in planning.state.items}
    playing = {item.title_id for item in request.inventory if item.playing}
    stays = [each for each in request.inventory if each.title_id not in removed | listed.keys()]
    fetched = [
        InventoryItem(
            title_id=item.title_id,
            rendition_id=item.rendition_id,
            downloaded_bytes=item.size_bytes,
            complete=True,
            playing=item.title_id in playing,
        )
        for item in listed.values()
    ]
    return dataclasses.replace(request, inventory=(*stays, *fetched), free_bytes=0)

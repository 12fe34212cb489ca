"""PrivacyService of download_planning: all that is held is listed, told, and gone for good once it is deleted."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import pytest

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.persistence import privacy
from libs.rpc.channel import call
from libs.runtime.errors import ErrorReason
from services.download_planning.storage.privacy import HOLDINGS
from services.download_planning.use_cases.erase_account import erase_account
from services.download_planning.use_cases.export_account import export_account
from tests.contract.download_planning.download_planning_world import Service, Viewer, movie, reason_of, viewing
from tests.contract.holdings import unknown_tables, unlisted


async def test_every_column_that_names_an_account_is_in_the_list_of_what_is_held(service: Service) -> None:
    assert await unlisted(service.database, HOLDINGS, {}) == set()
    assert await unknown_tables(service.database, HOLDINGS) == set()


async def test_what_was_watched_chosen_and_planned_is_told(service: Service) -> None:
    viewer = await _planned(service)
    told = await _told(service, UUID(viewer.account_id))
    assert [each["title_id"] for each in told["viewing"]] == ["one"]
    assert told["download_settings"][0]["downloads_for_you"] is True
    assert [item["title_id"] for item in told["download_plans"][0]["plan"]["items"]] == ["two"]
    considered = {each["title_id"]: each for each in told["download_plan_explanations"][0]["considered"]}
    assert {"one", "two"} >= considered.keys()


async def test_a_long_history_is_deleted_call_by_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = uuid4()
    await service.database.execute(
        "insert into viewing (account_id, profile_id, viewing_id, title_id, device_id, state, position_ms, event_time, "
        "record_time) select $1, $2, md5(n::text)::uuid, 'one', 'tv', 'FINISHED', 1, $3, $3 "
        "from generate_series(1, 2500) n",
        *(account_id, uuid4(), service.context.clock.now()),
    )
    monkeypatch.setattr(privacy, "ROWS_PER_CALL", 2000)
    first = await erase_account(service.context, account_id)
    assert (first.complete, dict(first.counts)) == (False, {"viewing": 2000})
    second = await erase_account(service.context, account_id)
    assert (second.complete, dict(second.counts)) == (True, {"viewing": 500})


async def test_what_comes_for_an_erased_account_is_refused(service: Service) -> None:
    viewer = await _planned(service)
    await erase_account(service.context, UUID(viewer.account_id))
    attempts = [
        call(service.gateway.RecordViewing, viewer.record(viewing("one"))),
        call(service.gateway.ConfigureDownloads, viewer.configure()),
        call(service.gateway.PlanDownloads, viewer.plan()),
    ]
    for attempt in attempts:
        assert await reason_of(attempt) is ErrorReason.NOT_FOUND
    assert await _told(service, UUID(viewer.account_id)) == {}


async def test_a_history_does_not_move_to_an_account_that_was_erased_and_is_not_lost(service: Service) -> None:
    viewer, gone = await _planned(service), uuid4()
    await erase_account(service.context, gone)
    request = pb.MoveProfileRequest(
        source_account_id=viewer.account_id, profile_id=viewer.profile_id, target_account_id=str(gone)
    )
    assert await reason_of(call(service.gateway.MoveProfile, request)) is ErrorReason.NOT_FOUND
    assert len((await _told(service, UUID(viewer.account_id)))["viewing"]) == 1


async def _planned(service: Service) -> Viewer:
    viewer = Viewer()
    await service.bring(movie("one"), movie("two"))
    await call(service.gateway.RecordViewing, viewer.record(viewing("one")))
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    await service.plan(viewer)
    return viewer


async def _told(service: Service, account_id: UUID) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    async with aclosing(export_account(service.context, account_id)) as chunks:
        async for chunk in chunks:
            for each in chunk:
                told.setdefault(each.kind, []).append(json.loads(each.json))
    return told

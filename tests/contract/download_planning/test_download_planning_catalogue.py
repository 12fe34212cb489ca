"""ImportTitles and what becomes of popularity, through a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.persistence.retention import apply
from libs.rpc.channel import call
from libs.runtime.clock import FakeClock
from libs.runtime.errors import ErrorReason
from services.download_planning.maintenance import Upkeep, keep_house
from services.download_planning.retention import DownloadPlanningRetention
from tests.contract.download_planning.download_planning_world import (
    MEGABYTE,
    NOW,
    Service,
    StartService,
    Viewer,
    episode,
    import_requests,
    import_titles,
    movie,
    refused,
    timestamp,
    viewing,
)

UPKEEP = Upkeep(
    popularity_interval=timedelta(minutes=5),
    popularity_window=timedelta(days=28),
)


async def test_good_rows_are_taken_and_each_bad_one_is_named(service: Service) -> None:
    """By its number, its id and the field at fault; it does not end the stream."""
    windows = [pb.LicenceWindow(start_time=timestamp(NOW), end_time=timestamp(NOW - timedelta(1)))]
    homeless = episode("x", 1, 1)
    homeless.series_id = ""
    bad_time = [pb.LicenceWindow(start_time=Timestamp(seconds=10**15))]
    answer = await import_titles(
        service.operator,
        [
            movie("a"),
            movie("b", name=""),
            movie("c", licence_windows=windows),
            movie("d", renditions=[]),
            homeless,
            movie("a", name="again"),
            movie("e", kind=pb.TITLE_KIND_UNSPECIFIED),
            movie("f", duration=Duration(seconds=-5)),
            movie("g", duration=Duration(seconds=2**62)),
            movie("h", licence_windows=bad_time),
            movie("i", licence_windows=[pb.LicenceWindow()]),
            movie("j", kind=77),
            episode("x", 1, 1),
        ],
    )
    assert (answer.imported_count, answer.refused_count) == (2, 11)
    assert [(each.row, each.title_id, each.field) for each in answer.refused_rows] == [
        (2, "b", "name"),
        (3, "c", "licence_windows[0].end_time"),
        (4, "d", "renditions"),
        (5, "x.s1e1", "series_id"),
        (6, "a", "title_id"),
        (7, "e", "kind"),
        (8, "f", "duration"),
        (9, "g", "duration"),
        (10, "h", "licence_windows[0].start_time"),
        (11, "i", "licence_windows[0].start_time"),
        (12, "j", "kind"),
    ]
    assert all(each.description for each in answer.refused_rows)
    assert set((await service.context.catalogue_store.load()).titles) == {"a", "x.s1e1"}


async def test_an_empty_stream_takes_nothing(service: Service) -> None:
    """And is no error."""
    assert await import_titles(service.operator, []) == pb.ImportTitlesResponse()


async def test_a_row_without_a_title_ends_the_stream_and_what_was_kept_stays(start: StartService) -> None:
    """That is no bad row but a malformed message; batches before it were committed."""
    service = await start(import_batch_rows=1)

    async def broken() -> AsyncIterator[pb.ImportTitlesRequest]:
        yield pb.ImportTitlesRequest(title=movie("a"))
        yield pb.ImportTitlesRequest()

    error = await refused(import_requests(service.operator, broken()))
    assert (error.reason, error.fields[0].field) == (ErrorReason.INVALID_FIELD, "title")
    assert set((await service.context.catalogue_store.load()).titles) == {"a"}


async def test_ten_thousand_titles_are_taken_with_every_bad_one_counted_and_a_thousand_named(service: Service) -> None:
    """In batches, within the deadline of one call."""
    titles = [movie(f"t{number}", name="" if number % 4 == 0 else f"Title {number}") for number in range(10_000)]
    answer = await import_titles(service.operator, titles)
    assert (answer.imported_count, answer.refused_count, len(answer.refused_rows)) == (7500, 2500, 1000)
    assert len((await service.context.catalogue_store.load()).titles) == 7500


async def test_a_row_replaces_the_whole_title_of_its_id(service: Service) -> None:
    """Renditions and windows that are not in it any more are gone."""
    both = [
        pb.Rendition(rendition_id=each, size_bytes=MEGABYTE, url=f"https://cdn.example/{each}") for each in ("hd", "sd")
    ]
    await service.bring(movie("a", renditions=both, genres=["crime", "drama"]))
    before = (await service.context.catalogue_store.load()).titles["a"]
    assert ([each.rendition_id for each in before.renditions], before.genres) == (["hd", "sd"], ("crime", "drama"))
    await service.bring(movie("a", name="New", renditions=both[1:], genres=[]))
    after = (await service.context.catalogue_store.load()).titles["a"]
    assert (after.name, [each.rendition_id for each in after.renditions], after.genres) == ("New", ["sd"], ())
    assert len(after.licence_windows) == 1


async def test_what_is_watched_becomes_popular(start: StartService, clock: FakeClock) -> None:
    """Profiles are counted, not viewings; abandoned and old ones are not; one replica of two does the sums."""
    service, other = await start(), await start()
    await service.bring(
        movie("hoped", popularity_prior=0.9, size_bytes=1000 * MEGABYTE), movie("loved", size_bytes=1000 * MEGABYTE)
    )
    viewers = [Viewer() for _ in range(120)]
    for viewer in viewers:
        await call(service.gateway.RecordViewing, viewer.record(viewing("loved"), viewing("loved", "IN_PROGRESS")))
    await call(service.gateway.RecordViewing, viewers[0].record(viewing("hoped", "ABANDONED")))
    await call(service.gateway.RecordViewing, viewers[1].record(viewing("hoped", at=NOW - timedelta(days=29))))
    newcomer = Viewer()
    await call(service.gateway.ConfigureDownloads, newcomer.configure())
    assert [item.title_id for item in (await service.plan(newcomer)).items] == ["hoped"]
    await keep_house(service.context, UPKEEP)
    version = (await service.context.catalogue_store.load()).version
    await keep_house(other.context, UPKEEP)
    clock.advance(timedelta(minutes=6))
    await keep_house(other.context, UPKEEP)
    catalogue = await service.context.catalogue_store.load()
    assert catalogue.version == version, "sums that did not change make no new catalogue"
    assert catalogue.shares == {"hoped": 0.9 * 50 / 170, "loved": (0.1 * 50 + 120) / 170}
    assert [item.title_id for item in (await service.plan(newcomer)).items] == ["loved"]


async def test_explanations_are_deleted_when_their_time_is_over_and_plans_are_not(
    service: Service, clock: FakeClock
) -> None:
    """What is wanted on the device stays."""
    policy = DownloadPlanningRetention.model_construct().retention_policy()
    viewer = Viewer()
    await call(service.gateway.ConfigureDownloads, viewer.configure())
    plan = await service.plan(viewer)
    request = pb.ExplainPlanRequest(account_id=viewer.account_id, plan_id=plan.plan_id)
    clock.advance(timedelta(days=30))
    await apply(service.database, clock, policy)
    assert (await call(service.gateway.ExplainPlan, request)).plan == plan
    clock.advance(timedelta(seconds=1))
    await apply(service.database, clock, policy)
    assert (await refused(call(service.gateway.ExplainPlan, request))).reason is ErrorReason.NOT_FOUND
    assert await service.plan(viewer) == plan

"""A small catalogue, and what was watched of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from hearthgate.gateway.v1 import download_service_pb2 as download_pb
from libs.devstack.device import Device
from tests.contract.gateway.gateway_world import World, asked_by

MEGABYTE: Final = 1_000_000
GIGABYTE: Final = 1_000 * MEGABYTE


async def bring_series(world: World, series_id: str, *, episodes: int) -> None:
    """Import a season, each episode of 100 MB and licensed for everywhere."""
    opens = Timestamp()
    opens.FromDatetime(world.clock.now() - timedelta(days=30))

    async def rows() -> AsyncIterator[pb.ImportTitlesRequest]:
        for number in range(1, episodes + 1):
            yield pb.ImportTitlesRequest(title=_episode(series_id, number, opens))

    answer = await world.planning_as_operator.ImportTitles(rows())
    assert answer.imported_count == episodes, answer.refused_rows


async def bring_films(world: World, genre: str, *, count: int, maturity_age: int = 0) -> list[str]:
    """Import films of 100 MB, alike but for genre and rating; their ids."""
    opens = Timestamp()
    opens.FromDatetime(world.clock.now() - timedelta(days=30))
    ids = [f"{genre}-{maturity_age}-{number}" for number in range(1, count + 1)]

    async def rows() -> AsyncIterator[pb.ImportTitlesRequest]:
        for title_id in ids:
            film = pb.Title(
                title_id=title_id,
                name=title_id,
                kind=pb.TITLE_KIND_MOVIE,
                genres=[genre],
                maturity_age=maturity_age,
                duration=Duration(seconds=5_400),
                renditions=[_rendition(title_id)],
                licence_windows=[pb.LicenceWindow(start_time=opens)],
                popularity_prior=0.1,
            )
            yield pb.ImportTitlesRequest(title=film)

    answer = await world.planning_as_operator.ImportTitles(rows())
    assert answer.imported_count == count, answer.refused_rows
    return ids


async def watched(world: World, device: Device, title_id: str) -> int:
    """Report a title as watched to its end on a device; how many viewings were new."""
    now = Timestamp()
    now.FromDatetime(world.clock.now())
    viewing = pb.Viewing(
        viewing_id=str(uuid4()),
        title_id=title_id,
        device_id=device.device_id,
        state=pb.VIEWING_STATE_FINISHED,
        position=Duration(seconds=2_700),
        event_time=now,
    )
    request = download_pb.ReportViewingRequest(**asked_by(device), profile_id=device.profile_id, viewings=[viewing])
    first = await world.downloads.ReportViewing(request)
    again = await world.downloads.ReportViewing(request)
    assert again.recorded_count == 0, "a repeated viewing counts once"
    return first.recorded_count


def _episode(series_id: str, number: int, opens: Timestamp) -> pb.Title:
    title_id = f"{series_id}.s1e{number}"
    return pb.Title(
        title_id=title_id,
        name=f"{series_id} {number}",
        kind=pb.TITLE_KIND_EPISODE,
        series_id=series_id,
        season_number=1,
        episode_number=number,
        genres=["drama"],
        duration=Duration(seconds=2_700),
        renditions=[_rendition(title_id)],
        licence_windows=[pb.LicenceWindow(start_time=opens)],
        popularity_prior=0.1,
    )


def _rendition(title_id: str) -> pb.Rendition:
    return pb.Rendition(rendition_id="sd", size_bytes=100 * MEGABYTE, url=f"https://cdn.example/{title_id}/sd")

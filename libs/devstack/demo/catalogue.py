"""A small made-up catalogue for the demo: three films and a series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb

MEGABYTE = 1_000_000
LIGHTHOUSE = "film-lighthouse"
FIRST_EPISODE = "harbour-s1e1"
SECOND_EPISODE = "harbour-s1e2"
TOO_OLD_FOR_CHILDREN = "film-night-ferry"

_FILMS = (
    (LIGHTHOUSE, "The Lighthouse Keeper's Cat", 6, 900, 0.31),
    (TOO_OLD_FOR_CHILDREN, "Night Ferry", 18, 1_100, 0.42),
    ("film-salt", "Salt and Bread", 12, 1_400, 0.12),
)
_EPISODES = 4


def import_rows() -> Iterator[pb.ImportTitlesRequest]:
    """One message a title, as ImportTitles takes them in."""
    for title_id, name, age, megabytes, popularity in _FILMS:
        yield _row(pb.Title(title_id=title_id, name=name, kind=pb.TITLE_KIND_MOVIE), age, megabytes, 95, popularity)
    for number in range(1, _EPISODES + 1):
        title = pb.Title(
            title_id=f"harbour-s1e{number}",
            name=f"The Harbour, episode {number}",
            kind=pb.TITLE_KIND_EPISODE,
            series_id="harbour",
            season_number=1,
            episode_number=number,
        )
        yield _row(title, 12, 350, 45, 0.2)


def _row(title: pb.Title, age: int, megabytes: int, minutes: int, popularity: float) -> pb.ImportTitlesRequest:
    title.maturity_age = age
    title.duration.CopyFrom(Duration(seconds=minutes * 60))
    title.popularity_prior = popularity
    title.genres.append("drama")
    url = f"https://origin.hearthgate.example/{title.title_id}/sd"
    title.renditions.append(pb.Rendition(rendition_id="sd", size_bytes=megabytes * MEGABYTE, url=url))
    start = Timestamp()
    start.FromDatetime(datetime(2020, 1, 1, tzinfo=UTC))
    title.licence_windows.append(pb.LicenceWindow(country_code="", start_time=start))
    return pb.ImportTitlesRequest(title=title)

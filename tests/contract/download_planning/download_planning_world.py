"""The service as callers meet it, and requests with everything in them that a test does not care about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as rpc
from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import call, open_channel
from libs.rpc.errors import from_rpc_error
from libs.rpc.server import Server, ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import new_secret, secret_digest
from services.download_planning.main import build_context, registration
from services.download_planning.privacy_servicer import privacy_registration
from services.download_planning.settings import DownloadPlanningSettings
from services.download_planning.use_cases.context import Context

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE
HOUSEHOLD = standing_pb2.STANDING_HOUSEHOLD
CALLERS = ("gateway", "operator", "identity")

Stub: TypeAlias = rpc.DownloadPlanningServiceStub


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A running service, and a stub for each caller that it knows."""

    server: Server
    context: Context
    database: Database
    stubs: dict[str, Stub]

    @property
    def gateway(self) -> Stub:
        """The caller that may do most."""
        return self.stubs["gateway"]

    @property
    def operator(self) -> Stub:
        """The caller that brings the catalogue."""
        return self.stubs["operator"]

    async def bring(self, *titles: pb.Title) -> pb.ImportTitlesResponse:
        """Import the titles, all of which have to be good."""
        answer = await import_titles(self.operator, titles)
        assert answer.imported_count == len(titles), answer.refused_rows
        return answer

    async def plan(self, viewer: Viewer, **fields: Any) -> pb.DownloadPlan:
        """The plan for the viewer's phone."""
        return (await call(self.gateway.PlanDownloads, viewer.plan(**fields))).plan


StartService = Callable[..., Awaitable[Service]]


async def start_service(stack: AsyncExitStack, dsn: str, clock: Clock, **overrides: Any) -> Service:
    """The production server with these settings, until the stack is closed."""
    secrets = {name: new_secret() for name in CALLERS}
    callers = {name: [secret_digest(secret)] for name, secret in secrets.items()}
    settings = DownloadPlanningSettings(**{"database_url": dsn, "callers": callers} | overrides)
    database = await Database.connect(dsn, application_name="test", pool_size=settings.database_pool_size)
    stack.push_async_callback(database.close)
    context = build_context(settings, database, clock)
    registrations = [registration(context), privacy_registration(context)]
    built = build_server(ServerOptions.from_settings(settings), registrations, database.ping)
    server = await stack.enter_async_context(built)
    stubs: dict[str, Stub] = {}
    for name, secret in secrets.items():
        channel = open_channel(f"127.0.0.1:{server.port}", caller=CallerCredentials(name, secret))
        stubs[name] = rpc.DownloadPlanningServiceStub(await stack.enter_async_context(channel))
    return Service(server=server, context=context, database=database, stubs=stubs)


async def import_titles(stub: Stub, titles: Iterable[pb.Title]) -> pb.ImportTitlesResponse:
    """What becomes of these titles. Raises ServiceError."""
    return await import_requests(stub, rows(titles))


async def import_requests(stub: Stub, requests: AsyncIterator[pb.ImportTitlesRequest]) -> pb.ImportTitlesResponse:
    """What becomes of a stream. Raises ServiceError."""
    try:
        return await stub.ImportTitles(requests, timeout=30)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


async def refused(answer: Awaitable[Any]) -> ServiceError:
    """The error that the call ends with."""
    try:
        await answer
    except ServiceError as error:
        return error
    raise AssertionError("the call was not refused")


async def reason_of(answer: Awaitable[Any]) -> ErrorReason | None:
    """The reason that the call ends with; None where it does not fail."""
    try:
        await answer
    except ServiceError as error:
        return error.reason
    return None


def timestamp(moment: datetime) -> Timestamp:
    """The moment as protobuf writes it."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def movie(title_id: str, **fields: Any) -> pb.Title:
    """A film of 100 minutes and 500 MB that everybody may see everywhere."""
    size = fields.pop("size_bytes", 500 * MEGABYTE)
    values: dict[str, Any] = {
        "title_id": title_id,
        "name": f"The {title_id}",
        "kind": pb.TITLE_KIND_MOVIE,
        "genres": ["drama"],
        "duration": Duration(seconds=6000),
        "renditions": [pb.Rendition(rendition_id="sd", size_bytes=size, url=f"https://cdn.example/{title_id}/sd")],
        "licence_windows": [pb.LicenceWindow(start_time=timestamp(NOW - timedelta(days=30)))],
        "popularity_prior": 0.1,
    }
    return pb.Title(**{**values, **fields})


def episode(series_id: str, season: int, number: int, **fields: Any) -> pb.Title:
    """An episode named after its place."""
    place: dict[str, Any] = {
        "kind": pb.TITLE_KIND_EPISODE,
        "series_id": series_id,
        "season_number": season,
        "episode_number": number,
    }
    return movie(f"{series_id}.s{season}e{number}", **{**place, **fields})


async def rows(titles: Iterable[pb.Title]) -> AsyncIterator[pb.ImportTitlesRequest]:
    """A stream of titles."""
    for title in titles:
        yield pb.ImportTitlesRequest(title=title)


def viewing(title_id: str, state: str = "FINISHED", *, at: datetime = NOW, **fields: Any) -> pb.Viewing:
    """Something that was watched."""
    values: dict[str, Any] = {
        "viewing_id": str(uuid4()),
        "title_id": title_id,
        "device_id": "tv",
        "state": pb.ViewingState.Value(f"VIEWING_STATE_{state}"),
        "position": Duration(seconds=60),
        "event_time": timestamp(at),
    }
    return pb.Viewing(**{**values, **fields})


class Viewer:
    """A profile with a phone, and its requests."""

    def __init__(self, *, account_id: UUID | None = None, device_id: str = "phone") -> None:
        self.account_id = str(account_id or uuid4())
        self.profile_id = str(uuid4())
        self.device_id = device_id

    def configure(self, **fields: Any) -> pb.ConfigureDownloadsRequest:
        """Both features on, with 1 GB; fields of the settings may be given as well as those of the request."""
        names = set(pb.DownloadSettings.DESCRIPTOR.fields_by_name)
        settings: dict[str, Any] = {"downloads_for_you": True, "smart_downloads": True, "budget_bytes": GIGABYTE}
        settings |= {name: fields.pop(name) for name in names & fields.keys()}
        values: dict[str, Any] = {
            "account_id": self.account_id,
            "profile_id": self.profile_id,
            "device_id": self.device_id,
            "platform": client_context_pb2.PLATFORM_ANDROID,
            "settings": pb.DownloadSettings(**settings),
            "max_download_devices": 2,
        }
        return pb.ConfigureDownloadsRequest(**{**values, **fields})

    def plan(self, **fields: Any) -> pb.PlanDownloadsRequest:
        """A trusted adult's empty phone with plenty of room, in Germany, on Wi-Fi."""
        values: dict[str, Any] = {
            "account_id": self.account_id,
            "profile_id": self.profile_id,
            "device_id": self.device_id,
            "standing": HOUSEHOLD,
            "maturity_age": 18,
            "country_code": "DE",
            "free_bytes": 100 * GIGABYTE,
            "network": pb.NETWORK_TYPE_WIFI,
        }
        return pb.PlanDownloadsRequest(**{**values, **fields})

    def watch(self) -> pb.WatchPlanRequest:
        """The phone's plan."""
        return pb.WatchPlanRequest(account_id=self.account_id, profile_id=self.profile_id, device_id=self.device_id)

    def record(self, *viewings: pb.Viewing) -> pb.RecordViewingRequest:
        """What the profile watched."""
        return pb.RecordViewingRequest(account_id=self.account_id, profile_id=self.profile_id, viewings=viewings)

"""Requests as domain values. What a rule would refuse but no domain value can hold is refused here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.downloadplanning.v1 import download_planning_service_pb2 as pb
from libs.runtime.errors import invalid_field
from libs.runtime.ids import parse_uuid
from services.download_planning.domain.devices import (
    DeviceKey,
    DownloadSettings,
    InventoryItem,
    NetworkType,
    Platform,
    Standing,
)
from services.download_planning.domain.import_rules import Refusal
from services.download_planning.domain.titles import LicenceWindow, Rendition, Title, TitleKind
from services.download_planning.domain.viewing import Viewing, ViewingState
from services.download_planning.use_cases.import_titles import ImportReport, RefusedRow, Row
from services.download_planning.use_cases.plan_downloads import PlanCommand

_KINDS: Final = {pb.TITLE_KIND_MOVIE: TitleKind.MOVIE, pb.TITLE_KIND_EPISODE: TitleKind.EPISODE}
_LONGEST_ECHO: Final = 64


class _UnreadableError(Exception):
    def __init__(self, field: str, description: str) -> None:
        super().__init__(field)
        self.refusal = Refusal(field=field, description=description)


async def rows_of(requests: AsyncIterator[pb.ImportTitlesRequest]) -> AsyncIterator[Row]:
    """The rows of an import."""
    async for request in requests:
        yield row_of(request.title)


def row_of(message: pb.Title) -> Row:
    """A row of an import, with its title where there can be one."""
    title_id = message.title_id[:_LONGEST_ECHO]
    try:
        return Row(title_id=title_id, title=_title(message))
    except _UnreadableError as error:
        return Row(title_id=title_id, title=error.refusal)


def report_to_message(report: ImportReport) -> pb.ImportTitlesResponse:
    """What became of the rows, as the caller gets it."""
    return pb.ImportTitlesResponse(
        imported_count=report.imported_count,
        refused_rows=[_refused_to_message(each) for each in report.refused_rows],
        refused_count=report.refused_count,
    )


def viewing_of(message: pb.Viewing, index: int) -> Viewing:
    """One viewing of a request. Raises INVALID_FIELD for a time or a position that is out of range."""
    field = f"viewings[{index}]"
    try:
        event_time = _moment(message.event_time, f"{field}.event_time")
        position = _length(message.position, f"{field}.position")
    except _UnreadableError as error:
        raise invalid_field(error.refusal.field, error.refusal.description) from None
    return Viewing(
        viewing_id=parse_uuid(message.viewing_id, f"{field}.viewing_id"),
        title_id=message.title_id,
        device_id=message.device_id,
        state=ViewingState(pb.ViewingState.Name(message.state).removeprefix("VIEWING_STATE_")),
        position=position,
        event_time=event_time,
    )


def key_of(request: pb.ConfigureDownloadsRequest | pb.PlanDownloadsRequest | pb.WatchPlanRequest) -> DeviceKey:
    """The profile and device that a request is about."""
    return DeviceKey(
        account_id=parse_uuid(request.account_id, "account_id"),
        profile_id=parse_uuid(request.profile_id, "profile_id"),
        device_id=request.device_id,
    )


def platform_of(request: pb.ConfigureDownloadsRequest) -> Platform:
    """The platform's name, as the experiment writes it."""
    return Platform(client_context_pb2.Platform.Name(request.platform).removeprefix("PLATFORM_"))


def settings_of(message: pb.DownloadSettings) -> DownloadSettings:
    """What was chosen."""
    return DownloadSettings(
        downloads_for_you=message.downloads_for_you,
        smart_downloads=message.smart_downloads,
        budget_bytes=message.budget_bytes,
        allow_mobile_data=message.allow_mobile_data,
    )


def settings_to_message(settings: DownloadSettings) -> pb.DownloadSettings:
    """What is in force, as the caller gets it."""
    return pb.DownloadSettings(
        downloads_for_you=settings.downloads_for_you,
        smart_downloads=settings.smart_downloads,
        budget_bytes=settings.budget_bytes,
        allow_mobile_data=settings.allow_mobile_data,
    )


def command_of(request: pb.PlanDownloadsRequest) -> PlanCommand:
    """What a device reports."""
    return PlanCommand(
        key=key_of(request),
        standing=Standing(standing_pb2.Standing.Name(request.standing).removeprefix("STANDING_")),
        maturity_age=request.maturity_age,
        country_code=request.country_code,
        inventory=tuple(_inventory_item(each) for each in request.inventory),
        free_bytes=request.free_bytes,
        network=NetworkType(pb.NetworkType.Name(request.network).removeprefix("NETWORK_TYPE_")),
        etag=request.etag,
    )


def _inventory_item(message: pb.InventoryItem) -> InventoryItem:
    return InventoryItem(
        title_id=message.title_id,
        rendition_id=message.rendition_id,
        downloaded_bytes=message.downloaded_bytes,
        complete=message.complete,
        by_hand=message.by_hand,
        playing=message.playing,
    )


def _title(message: pb.Title) -> Title:
    kind = _KINDS.get(message.kind)
    if kind is None:
        raise _UnreadableError("kind", "must be a film or an episode")
    return Title(
        title_id=message.title_id,
        name=message.name,
        kind=kind,
        series_id=message.series_id,
        season_number=message.season_number,
        episode_number=message.episode_number,
        genres=tuple(message.genres),
        maturity_age=message.maturity_age,
        duration=_length(message.duration, "duration"),
        renditions=tuple(
            Rendition(rendition_id=each.rendition_id, size_bytes=each.size_bytes, url=each.url)
            for each in message.renditions
        ),
        licence_windows=tuple(
            _window(each, f"licence_windows[{index}]") for index, each in enumerate(message.licence_windows)
        ),
        popularity_prior=message.popularity_prior,
    )


def _window(message: pb.LicenceWindow, field: str) -> LicenceWindow:
    if not message.HasField("start_time"):
        raise _UnreadableError(f"{field}.start_time", "must be set")
    has_end = message.HasField("end_time")
    return LicenceWindow(
        country_code=message.country_code,
        start_time=_moment(message.start_time, f"{field}.start_time"),
        end_time=_moment(message.end_time, f"{field}.end_time") if has_end else None,
    )


def _moment(message: Timestamp, field: str) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _UnreadableError(field, "must be a time of the years 1 to 9999") from None


def _length(message: Duration, field: str) -> timedelta:
    try:
        return message.ToTimedelta()
    except (ValueError, OverflowError):
        raise _UnreadableError(field, "must be a valid duration") from None


def _refused_to_message(row: RefusedRow) -> pb.RefusedRow:
    return pb.RefusedRow(
        row=row.row, title_id=row.title_id, field=row.refusal.field, description=row.refusal.description
    )

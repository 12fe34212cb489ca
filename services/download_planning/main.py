"""The download_planning process: settings, database, clock, use cases, server."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hearthgate.downloadplanning.v1 import download_planning_service_pb2_grpc as rpc
from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.persistence.retention_loop import retention_running
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.tasks import running
from services.download_planning.maintenance import Upkeep, run_maintenance
from services.download_planning.privacy_servicer import privacy_registration
from services.download_planning.servicer import DownloadPlanningServicer
from services.download_planning.settings import DownloadPlanningSettings
from services.download_planning.storage.catalogue import CatalogueCache, CatalogueStore
from services.download_planning.storage.my_list import MyListStore
from services.download_planning.storage.store import PlanningStore
from services.download_planning.use_cases.context import Context, Policy
from services.download_planning.watchers import PlanWatchers

NAME: Final = "download_planning"
_GATEWAY: Final = frozenset({"gateway"})
_OPERATOR: Final = frozenset({"operator"})


def build_context(settings: DownloadPlanningSettings, database: Database, clock: Clock) -> Context:
    """The dependencies of the use cases."""
    catalogue_store = CatalogueStore(database, prior_viewers=settings.popularity_prior_viewers)
    return Context(
        store=PlanningStore(database),
        my_list=MyListStore(database),
        catalogue_store=catalogue_store,
        catalogue=CatalogueCache(catalogue_store),
        watchers=PlanWatchers(settings.watchers_max),
        clock=clock,
        ids=Uuid7Ids(),
        policy=Policy(
            experiment=settings.experiment,
            max_items=settings.downloads_max_per_device,
            episodes_ahead=settings.next_episodes_ahead,
            pinned_threads=settings.pinned_threads_max,
            max_candidates=settings.candidates_max,
            import_batch_rows=settings.import_batch_rows,
            watch_poll=timedelta(seconds=settings.watch_poll_seconds),
        ),
    )


def registration(context: Context) -> Registration:
    """The service with its callers: the gateway, and the operator where the contract says so."""
    return Registration(
        add=rpc.add_DownloadPlanningServiceServicer_to_server,
        servicer=DownloadPlanningServicer(context),
        service_name="hearthgate.downloadplanning.v1.DownloadPlanningService",
        allowed_callers=_GATEWAY,
        by_method={"ImportTitles": _OPERATOR, "ExplainPlan": _GATEWAY | _OPERATOR},
    )


def upkeep_of(settings: DownloadPlanningSettings) -> Upkeep:
    """How often, and how far back, the house is kept."""
    return Upkeep(
        popularity_interval=timedelta(seconds=settings.popularity_interval_seconds),
        popularity_window=timedelta(days=settings.popularity_window_days),
    )


async def serve(settings: DownloadPlanningSettings) -> None:
    """Run until the process is asked to stop."""
    async with open_database(settings, NAME) as database, DatabaseClock.open(database) as clock:
        context = build_context(settings, database, clock)
        registrations = [registration(context), privacy_registration(context)]
        server = build_server(ServerOptions.from_settings(settings), registrations, database.ping)
        async with (
            running(run_maintenance(context, upkeep_of(settings)), name="maintenance"),
            retention_running(settings, database, clock, every=settings.upkeep_seconds),
        ):
            await run_until_stopped(server, settings.drain_seconds)


if __name__ == "__main__":
    run_service(NAME, DownloadPlanningSettings, serve)

"""The process: ``python -m services.device_trust.main``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hearthgate.devicetrust.v1 import device_trust_service_pb2_grpc as rpc
from libs.persistence.clock import DatabaseClock
from libs.persistence.database import open_database
from libs.persistence.retention_loop import retention_running
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.ids import Uuid7Ids
from libs.runtime.tasks import running
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.privacy_servicer import privacy_registration
from services.device_trust.servicer import DeviceTrustServicer
from services.device_trust.settings import DeviceTrustSettings
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.count_crowds import run_crowd_counter

NAME: Final = "device_trust"
_GATEWAY: Final = frozenset({"gateway"})
_WITH_OPERATOR: Final = frozenset({"gateway", "operator"})
_BY_METHOD: Final[Mapping[str, frozenset[str]]] = {
    "ListDevices": _WITH_OPERATOR,
    "RevokeDevice": _WITH_OPERATOR,
    "GetHousehold": _WITH_OPERATOR,
}


def registration(servicer: DeviceTrustServicer) -> Registration:
    """The service with its callers: the gateway, and the operator where the contract says so."""
    return Registration(
        add=rpc.add_DeviceTrustServiceServicer_to_server,
        servicer=servicer,
        service_name="hearthgate.devicetrust.v1.DeviceTrustService",
        allowed_callers=_GATEWAY,
        by_method=_BY_METHOD,
    )


async def serve(settings: DeviceTrustSettings) -> None:
    """Serve until told to stop."""
    async with open_database(settings, NAME) as database, DatabaseClock.open(database) as clock:
        context = Context(
            database=database,
            clock=clock,
            ids=Uuid7Ids(),
            policy=settings.policy(),
            retention=settings.retention(),
        )
        servicer = DeviceTrustServicer(context, NetworkHasher(settings.master_key()))
        registrations = [registration(servicer), privacy_registration(context)]
        server = build_server(ServerOptions.from_settings(settings), registrations, database.ping)
        async with (
            retention_running(settings, database, clock, every=settings.purge_interval_seconds),
            running(run_crowd_counter(context, settings.crowd_interval_seconds), name="crowds"),
        ):
            await run_until_stopped(server, settings.drain_seconds)


if __name__ == "__main__":
    run_service(NAME, DeviceTrustSettings, serve)

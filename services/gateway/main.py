"""The gateway's process: settings, telemetry, pool, clock, clients, services, server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import Channel, open_channel
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.ids import Uuid7Ids
from services.gateway.clients.challenge import ChallengeClient
from services.gateway.clients.device_trust import DeviceTrustClient
from services.gateway.clients.download_planning import DownloadPlanningClient
from services.gateway.clients.identity import UNRETRIED, IdentityClient
from services.gateway.grants import Grants
from services.gateway.servicer.account import AccountServicer
from services.gateway.servicer.download import DownloadServicer
from services.gateway.servicer.playback import PlaybackServicer
from services.gateway.servicer.verification import VerificationServicer
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder
from services.gateway.use_cases.context import Context


async def serve(settings: GatewaySettings) -> None:
    """Run until asked to stop."""
    async with AsyncExitStack() as stack:
        dsn = settings.database_url.get_secret_value()
        database = await Database.connect(
            dsn, application_name="hearthgate-gateway", pool_size=settings.database_pool_size
        )
        stack.push_async_callback(database.close)
        clock = await stack.enter_async_context(DatabaseClock.open(database))
        device_trust = DeviceTrustClient(await _channel(stack, settings, settings.device_trust_address))
        context = Context(
            database=database,
            clock=clock,
            ids=Uuid7Ids(),
            identity=IdentityClient(await _channel(stack, settings, settings.identity_address, UNRETRIED)),
            device_trust=device_trust,
            challenge=ChallengeClient(await _channel(stack, settings, settings.challenge_address)),
            download_planning=DownloadPlanningClient(
                await _channel(stack, settings, settings.download_planning_address)
            ),
            grants=Grants(settings.signing_keys()),
            sealing_keys=settings.sealing_keys(),
            digest_key=settings.digest_key(),
            sightings=await stack.enter_async_context(SightingRecorder.running(device_trust.record_sightings)),
            experiment=settings.experiment,
            lease_policy=settings.lease_policy,
            policy_version=settings.policy_version,
            alike_seconds=settings.alike_milliseconds / 1000,
        )
        server = build_server(ServerOptions.from_settings(settings), registrations(settings, context), database.ping)
        await run_until_stopped(server, settings.drain_seconds)


def registrations(settings: GatewaySettings, context: Context) -> list[Registration]:
    """The gateway's services and who may call them."""
    public = frozenset(settings.public_callers)
    operator = frozenset(settings.operator_callers)
    return [
        Registration(
            add=playback_rpc.add_PlaybackServiceServicer_to_server,
            servicer=PlaybackServicer(context),
            service_name="hearthgate.gateway.v1.PlaybackService",
            allowed_callers=public,
            by_method={"ExplainDecision": operator, "GetGrantKeys": frozenset({"*"})},
        ),
        Registration(
            add=verification_rpc.add_VerificationServiceServicer_to_server,
            servicer=VerificationServicer(context),
            service_name="hearthgate.gateway.v1.VerificationService",
            allowed_callers=public,
        ),
        Registration(
            add=account_rpc.add_AccountServiceServicer_to_server,
            servicer=AccountServicer(context),
            service_name="hearthgate.gateway.v1.AccountService",
            allowed_callers=public,
        ),
        Registration(
            add=download_rpc.add_DownloadServiceServicer_to_server,
            servicer=DownloadServicer(context),
            service_name="hearthgate.gateway.v1.DownloadService",
            allowed_callers=public,
        ),
    ]


async def _channel(
    stack: AsyncExitStack, settings: GatewaySettings, target: str, unretried: Sequence[tuple[str, str]] = ()
) -> Channel:
    caller = CallerCredentials("gateway", settings.caller_secret.get_secret_value())
    return await stack.enter_async_context(open_channel(target, caller=caller, unretried=unretried))


if __name__ == "__main__":
    run_service("gateway", GatewaySettings, serve)

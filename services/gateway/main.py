"""The gateway's process: settings, telemetry, pool, clock, clients, services, server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import password_service_pb2_grpc as password_rpc
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc
from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import Channel, open_channel
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.tasks import running
from services.gateway.clients.challenge import ChallengeClient
from services.gateway.clients.device_trust import DeviceTrustClient
from services.gateway.clients.download_planning import DownloadPlanningClient
from services.gateway.clients.identity import UNRETRIED, IdentityClient
from services.gateway.clients.passwords import PasswordClient
from services.gateway.gate import Gate
from services.gateway.grants import Grants
from services.gateway.servicer.account import AccountServicer
from services.gateway.servicer.download import DownloadServicer
from services.gateway.servicer.password import PasswordServicer
from services.gateway.servicer.playback import PlaybackServicer
from services.gateway.servicer.verification import VerificationServicer
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder
from services.gateway.upkeep import run_upkeep
from services.gateway.use_cases.context import Context

NAME: Final = "gateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaves:
    """The services behind the gateway."""

    identity: IdentityClient
    passwords: PasswordClient
    device_trust: DeviceTrustClient
    challenge: ChallengeClient
    download_planning: DownloadPlanningClient


async def serve(settings: GatewaySettings) -> None:
    """Run until asked to stop."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, NAME))
        clock = await stack.enter_async_context(DatabaseClock.open(database))
        leaves = await open_leaves(stack, settings)
        sightings = await stack.enter_async_context(SightingRecorder.running(leaves.device_trust.record_sightings))
        context = build_context(settings, database=database, clock=clock, leaves=leaves, sightings=sightings)
        await stack.enter_async_context(running(run_upkeep(database, clock, settings.retention), name="upkeep"))
        server = build_server(ServerOptions.from_settings(settings), registrations(settings, context), database.ping)
        await run_until_stopped(server, settings.drain_seconds)


async def open_leaves(stack: AsyncExitStack, settings: GatewaySettings) -> Leaves:
    """A channel to each leaf, as caller ``gateway``; they are closed with the stack."""
    caller = CallerCredentials("gateway", settings.caller_secret.get_secret_value())

    async def channel(target: str, unretried: Sequence[tuple[str, str]] = ()) -> Channel:
        return await stack.enter_async_context(open_channel(target, caller=caller, unretried=unretried))

    identity = await channel(settings.identity_address, UNRETRIED)
    return Leaves(
        identity=IdentityClient(identity),
        passwords=PasswordClient(identity),
        device_trust=DeviceTrustClient(await channel(settings.device_trust_address)),
        challenge=ChallengeClient(await channel(settings.challenge_address)),
        download_planning=DownloadPlanningClient(await channel(settings.download_planning_address)),
    )


def build_context(
    settings: GatewaySettings, *, database: Database, clock: Clock, leaves: Leaves, sightings: SightingRecorder
) -> Context:
    """What the use cases work with."""
    return Context(
        database=database,
        clock=clock,
        ids=Uuid7Ids(),
        identity=leaves.identity,
        passwords=leaves.passwords,
        device_trust=leaves.device_trust,
        challenge=leaves.challenge,
        download_planning=leaves.download_planning,
        grants=Grants(settings.signing_keys()),
        sealing_keys=settings.sealing_keys(),
        digest_key=settings.digest_key(),
        sightings=sightings,
        experiment=settings.experiment,
        lease_policy=settings.lease_policy,
        policy_version=settings.policy_version,
        alike_seconds=settings.alike_milliseconds / 1000,
        sign_ins=Gate(settings.sign_ins_at_once),
    )


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
        Registration(
            add=password_rpc.add_PasswordServiceServicer_to_server,
            servicer=PasswordServicer(context),
            service_name="hearthgate.gateway.v1.PasswordService",
            allowed_callers=public,
        ),
    ]


if __name__ == "__main__":
    run_service(NAME, GatewaySettings, serve)

"""The gateway's process: settings, telemetry, pool, clock, clients, services, server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import grpc

from hearthgate.gateway.v1 import account_service_pb2_grpc as account_rpc
from hearthgate.gateway.v1 import contact_service_pb2_grpc as contact_rpc
from hearthgate.gateway.v1 import download_service_pb2_grpc as download_rpc
from hearthgate.gateway.v1 import member_service_pb2_grpc as member_rpc
from hearthgate.gateway.v1 import own_account_service_pb2_grpc as own_account_rpc
from hearthgate.gateway.v1 import password_service_pb2_grpc as password_rpc
from hearthgate.gateway.v1 import playback_service_pb2_grpc as playback_rpc
from hearthgate.gateway.v1 import privacy_service_pb2_grpc as privacy_rpc
from hearthgate.gateway.v1 import profile_service_pb2_grpc as profile_rpc
from hearthgate.gateway.v1 import protection_service_pb2_grpc as protection_rpc
from hearthgate.gateway.v1 import verification_service_pb2_grpc as verification_rpc
from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.persistence.retention_loop import retention_running
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import Channel, open_channel
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.tasks import running
from services.gateway.clients.challenge import ChallengeClient
from services.gateway.clients.contacts import ContactsClient
from services.gateway.clients.device_trust import DeviceTrustClient
from services.gateway.clients.download_planning import DownloadPlanningClient
from services.gateway.clients.identity import UNRETRIED, IdentityClient
from services.gateway.clients.members import MemberClient
from services.gateway.clients.passwords import PasswordClient
from services.gateway.clients.privacy import PrivacyClient
from services.gateway.clients.profiles import ProfileClient
from services.gateway.clients.protection import ProtectionClient
from services.gateway.disown_tokens import DisownTokens
from services.gateway.epochs import Epochs
from services.gateway.erasures import run_erasures
from services.gateway.gate import Gate
from services.gateway.grants import Grants
from services.gateway.languages import read_languages
from services.gateway.notices import NoticeOutbox, sender
from services.gateway.own_account_worker import run_own_accounts
from services.gateway.servicer.account import AccountServicer
from services.gateway.servicer.contact import ContactServicer
from services.gateway.servicer.download import DownloadServicer
from services.gateway.servicer.member import MemberServicer
from services.gateway.servicer.own_account import OwnAccountServicer
from services.gateway.servicer.password import PasswordServicer
from services.gateway.servicer.playback import PlaybackServicer
from services.gateway.servicer.privacy import PrivacyServicer
from services.gateway.servicer.profile import ProfileServicer
from services.gateway.servicer.protection import ProtectionServicer
from services.gateway.servicer.verification import VerificationServicer
from services.gateway.settings import GatewaySettings
from services.gateway.sightings import SightingRecorder
from services.gateway.use_cases.context import Context

NAME: Final = "gateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaves:
    """The services behind the gateway."""

    identity: IdentityClient
    protection: ProtectionClient
    contacts: ContactsClient
    profiles: ProfileClient
    members: MemberClient
    passwords: PasswordClient
    device_trust: DeviceTrustClient
    challenge: ChallengeClient
    download_planning: DownloadPlanningClient
    privacy: PrivacyClient


async def serve(settings: GatewaySettings) -> None:
    """Run until asked to stop."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, NAME))
        clock = await stack.enter_async_context(DatabaseClock.open(database))
        leaves = await open_leaves(stack, settings)
        sightings = await stack.enter_async_context(SightingRecorder.running(leaves.device_trust.record_sightings))
        context = build_context(settings, database=database, clock=clock, leaves=leaves, sightings=sightings)
        await stack.enter_async_context(running(context.notices.run(), name="notices"))
        await stack.enter_async_context(running(context.epochs.run(), name="epochs"))
        await stack.enter_async_context(running(run_own_accounts(context), name="own accounts"))
        await stack.enter_async_context(running(run_erasures(context, settings.erasure_poll), name="erasures"))
        await stack.enter_async_context(retention_running(settings, database, clock, every=settings.upkeep_seconds))
        server = build_server(ServerOptions.from_settings(settings), registrations(settings, context), database.ping)
        await run_until_stopped(server, settings.drain_seconds)


async def open_leaves(stack: AsyncExitStack, settings: GatewaySettings) -> Leaves:
    """A channel to each leaf, as caller ``gateway``; they are closed with the stack."""
    caller = CallerCredentials("gateway", settings.caller_secret.get_secret_value())

    async def channel(target: str, unretried: Sequence[tuple[str, str]] = ()) -> Channel:
        opened = open_channel(target, caller=caller, tls=settings.leaf_tls, unretried=unretried)
        return await stack.enter_async_context(opened)

    identity = await channel(settings.identity_address, UNRETRIED)
    gate = Gate(settings.sign_ins_at_once)
    device_trust = await channel(settings.device_trust_address)
    challenge = await channel(settings.challenge_address)
    download_planning = await channel(settings.download_planning_address)
    return Leaves(
        identity=IdentityClient(identity, gate),
        protection=ProtectionClient(identity),
        contacts=ContactsClient(identity, gate),
        profiles=ProfileClient(identity, gate),
        members=MemberClient(identity),
        passwords=PasswordClient(identity),
        device_trust=DeviceTrustClient(device_trust),
        challenge=ChallengeClient(challenge),
        download_planning=DownloadPlanningClient(download_planning),
        privacy=PrivacyClient(
            identity=identity, device_trust=device_trust, challenge=challenge, download_planning=download_planning
        ),
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
        contacts=leaves.contacts,
        profiles=leaves.profiles,
        members=leaves.members,
        passwords=leaves.passwords,
        device_trust=leaves.device_trust,
        challenge=leaves.challenge,
        download_planning=leaves.download_planning,
        privacy=leaves.privacy,
        grants=Grants(settings.signing_keys()),
        sealing_keys=settings.sealing_keys(),
        digest_key=settings.digest_key(),
        sightings=sightings,
        experiment=settings.experiment,
        lease_policy=settings.lease_policy,
        policy_version=settings.policy_version,
        alike_seconds=settings.alike_milliseconds / 1000,
        protection=leaves.protection,
        notices=NoticeOutbox(
            database,
            clock=clock,
            keys=settings.notice_keys(),
            send=sender(leaves.identity, leaves.challenge),
            policy=settings.notice_policy,
            idle=timedelta(seconds=settings.notice_poll_seconds),
        ),
        epochs=Epochs(database),
        disown_tokens=DisownTokens(settings.disown_keys(), timedelta(days=settings.disown_days)),
        own_accounts=settings.own_account_policy,
        erasure_policy=settings.erasure_policy,
        languages=read_languages(),
    )


def registrations(settings: GatewaySettings, context: Context) -> list[Registration]:
    """The gateway's services and who may call them."""
    public = frozenset(settings.public_callers)
    operator = frozenset(settings.operator_callers)
    anyone = frozenset({"*"})
    exceptions = {
        "Playback": {"ExplainDecision": operator, "GetGrantKeys": anyone},
        "Account": {"GetSessionKeys": anyone},
        "OwnAccount": {"ListStalledOwnAccounts": operator, "RetryOwnAccount": operator},
        "Privacy": {
            **dict.fromkeys(("ExportAccountAsOperator", "EraseAccountAsOperator", "CancelErasure"), operator),
            "GetErasure": public | operator,
        },
    }
    services: dict[str, tuple[Callable[[Any, grpc.aio.Server], None], object]] = {
        "Playback": (playback_rpc.add_PlaybackServiceServicer_to_server, PlaybackServicer(context)),
        "Verification": (verification_rpc.add_VerificationServiceServicer_to_server, VerificationServicer(context)),
        "Account": (account_rpc.add_AccountServiceServicer_to_server, AccountServicer(context)),
        "Password": (password_rpc.add_PasswordServiceServicer_to_server, PasswordServicer(context)),
        "Contact": (contact_rpc.add_ContactServiceServicer_to_server, ContactServicer(context)),
        "Protection": (protection_rpc.add_ProtectionServiceServicer_to_server, ProtectionServicer(context)),
        "Profile": (profile_rpc.add_ProfileServiceServicer_to_server, ProfileServicer(context)),
        "OwnAccount": (own_account_rpc.add_OwnAccountServiceServicer_to_server, OwnAccountServicer(context)),
        "Member": (member_rpc.add_MemberServiceServicer_to_server, MemberServicer(context)),
        "Privacy": (privacy_rpc.add_PrivacyServiceServicer_to_server, PrivacyServicer(context)),
        "Download": (download_rpc.add_DownloadServiceServicer_to_server, DownloadServicer(context)),
    }
    return [
        Registration(
            add=add,
            servicer=servicer,
            service_name=f"hearthgate.gateway.v1.{name}Service",
            allowed_callers=public,
            by_method=exceptions.get(name, {}),
        )
        for name, (add, servicer) in services.items()
    ]


if __name__ == "__main__":
    run_service(NAME, GatewaySettings, serve)

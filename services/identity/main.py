"""The identity service's process: ``python -m services.identity.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.persistence.retention_loop import retention_running
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import Registration, ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from libs.runtime.tasks import running
from services.identity.access_tokens import AccessTokens
from services.identity.audit_anchoring import keep_anchoring
from services.identity.audit_servicer import audit_registration
from services.identity.contact_keys import ContactKeys
from services.identity.contact_servicer import contact_registration
from services.identity.failed_sign_ins import writing_failed_sign_ins
from services.identity.hashing_processes import ProcessHasher
from services.identity.known_passwords import open_known_passwords
from services.identity.member_servicer import member_registration, plan_registration
from services.identity.member_upkeep import run_member_upkeep
from services.identity.meter import Meter
from services.identity.password_servicer import registration as password_registration
from services.identity.passwords import Passwords
from services.identity.privacy_servicer import privacy_registration
from services.identity.profile_servicer import profile_registration
from services.identity.protection_servicer import protection_registration
from services.identity.servicer import registration
from services.identity.settings import IdentitySettings
from services.identity.use_cases.context import Identity
from services.identity.use_cases.purge_sign_ups import run_sign_up_purger

NAME: Final = "identity"


async def serve(settings: IdentitySettings) -> None:
    """Put the service together and run it until it is asked to stop."""
    async with AsyncExitStack() as stack:
        meter = Meter()
        stack.push_async_callback(meter.close)
        await meter.start()
        passwords = build_passwords(settings)
        stack.callback(passwords.close)
        database = await stack.enter_async_context(open_database(settings, NAME))
        clock = await stack.enter_async_context(DatabaseClock.open(database))
        identity = build_identity(settings, database=database, clock=clock, passwords=passwords)
        stack.callback(identity.known_passwords.close)
        stack.push_async_callback(identity.after_answers.finish)
        services = registrations(identity, meter)
        server = build_server(ServerOptions.from_settings(settings), services, database.ping)
        await stack.enter_async_context(running_workers(settings, identity))
        await stack.enter_async_context(retention_running(settings, database, clock, every=settings.upkeep_seconds))
        await run_until_stopped(server, settings.drain_seconds)


def registrations(identity: Identity, meter: Meter) -> list[Registration]:
    """The gRPC services, each with its callers."""
    return [
        registration(identity),
        audit_registration(identity),
        contact_registration(identity),
        member_registration(identity),
        password_registration(identity, meter),
        plan_registration(identity),
        privacy_registration(identity),
        profile_registration(identity),
        protection_registration(identity),
    ]


@asynccontextmanager
async def running_workers(settings: IdentitySettings, identity: Identity) -> AsyncIterator[None]:
    """What goes on beside the server until the block ends."""
    every = timedelta(seconds=settings.audit_anchor_seconds)
    purger = run_sign_up_purger(identity, settings.sign_up_purge_interval, settings.sign_up_retention)
    anchoring = keep_anchoring(identity, every=every, file=settings.audit_anchor_file)
    async with (
        running(anchoring, name="audit-anchoring"),
        running(purger, name="sign-up-purger"),
        running(run_member_upkeep(identity, timedelta(seconds=settings.member_upkeep_seconds)), name="member-upkeep"),
        writing_failed_sign_ins(identity, every_seconds=settings.audit_failures_seconds),
    ):
        yield


def build_passwords(settings: IdentitySettings) -> Passwords:
    """Argon2id in processes of its own, behind its bulkhead."""
    hasher = ProcessHasher(
        memory_kib=settings.password_memory_kib,
        passes=settings.password_passes,
        lanes=settings.password_lanes,
        processes=settings.password_threads,
        niceness=settings.password_niceness,
    )
    return Passwords(
        hasher,
        threads=settings.password_threads,
        waiters=settings.password_waiters,
        retry_after=timedelta(seconds=settings.password_retry_after_seconds),
    )


def build_identity(settings: IdentitySettings, *, database: Database, clock: Clock, passwords: Passwords) -> Identity:
    """The parts that the use cases work with."""
    return Identity(
        database=database,
        clock=clock,
        ids=Uuid7Ids(),
        keys=ContactKeys.from_text(settings.contact_keys.get_secret_value(), form=settings.contact_form),
        passwords=passwords,
        access_tokens=AccessTokens(settings.signing_keys()),
        refresh_keys=settings.refresh_keys(),
        lifetimes=settings.lifetimes(),
        default_plan_id=settings.default_plan_id,
        max_profiles=settings.max_profiles,
        max_approvers=settings.max_approvers,
        former_contacts_kept=timedelta(days=settings.former_contact_days),
        audit_keys=settings.all_audit_keys(),
        known_passwords=open_known_passwords(settings.breached_passwords_file),
        guesses=settings.guess_policy(),
        brand=settings.brand,
    )


if __name__ == "__main__":
    run_service(NAME, IdentitySettings, serve)

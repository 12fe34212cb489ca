"""The identity service's process: ``python -m services.identity.main``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from services.identity.contact_keys import ContactKeys
from services.identity.hashing_processes import ProcessHasher
from services.identity.known_passwords import open_known_passwords
from services.identity.meter import Meter
from services.identity.password_servicer import registration as password_registration
from services.identity.passwords import Passwords
from services.identity.servicer import registration
from services.identity.settings import IdentitySettings
from services.identity.use_cases.context import Identity

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
        registrations = [registration(identity), password_registration(identity, meter)]
        server = build_server(ServerOptions.from_settings(settings), registrations, database.ping)
        await run_until_stopped(server, settings.drain_seconds)


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
        keys=ContactKeys.from_text(settings.contact_keys.get_secret_value()),
        passwords=passwords,
        lifetimes=settings.lifetimes(),
        default_plan_id=settings.default_plan_id,
        max_profiles=settings.max_profiles,
        known_passwords=open_known_passwords(settings.breached_passwords_file),
        brand=settings.brand,
    )


if __name__ == "__main__":
    run_service(NAME, IdentitySettings, serve)

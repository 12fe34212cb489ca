"""The identity service's process: ``python -m services.identity.main``."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Final

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database, open_database
from libs.persistence.retention_loop import retention_running
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.clock import Clock
from libs.runtime.ids import Uuid7Ids
from services.identity.contact_keys import ContactKeys
from services.identity.passwords import Argon2idHasher, Passwords
from services.identity.servicer import registration
from services.identity.settings import IdentitySettings
from services.identity.use_cases.context import Identity

NAME: Final = "identity"


async def serve(settings: IdentitySettings) -> None:
    """Put the service together and run it until it is asked to stop."""
    async with open_database(settings, NAME) as database, DatabaseClock.open(database) as clock:
        with closing(build_passwords(settings)) as passwords:
            identity = build_identity(settings, database=database, clock=clock, passwords=passwords)
            server = build_server(ServerOptions.from_settings(settings), [registration(identity)], database.ping)
            async with retention_running(settings, database, clock, every=settings.upkeep_seconds):
                await run_until_stopped(server, settings.drain_seconds)


def build_passwords(settings: IdentitySettings) -> Passwords:
    """Argon2id behind its bulkhead."""
    hasher = Argon2idHasher(
        memory_kib=settings.password_memory_kib, passes=settings.password_passes, lanes=settings.password_lanes
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
        lifetimes=settings.lifetimes(),
        default_plan_id=settings.default_plan_id,
        max_profiles=settings.max_profiles,
    )


if __name__ == "__main__":
    run_service(NAME, IdentitySettings, serve)

"""The challenge service: codes, approvals, notices, and their delivery."""

from __future__ import annotations

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.ids import Uuid7Ids
from services.challenge.assembly import build_parts, build_senders, running_workers
from services.challenge.domain.codes import SecretRandomness
from services.challenge.servicer import registration
from services.challenge.settings import ChallengeSettings

NAME = "challenge"


async def serve(settings: ChallengeSettings) -> None:
    """Run until told to stop."""
    database = await Database.connect(
        settings.database_url.get_secret_value(), application_name=NAME, pool_size=settings.database_pool_size
    )
    try:
        async with DatabaseClock.open(database) as clock:
            senders = build_senders(settings, clock)
            parts = build_parts(
                settings,
                database=database,
                clock=clock,
                ids=Uuid7Ids(),
                randomness=SecretRandomness(),
                senders=senders,
            )
            options = ServerOptions.from_settings(settings)
            server = build_server(options, [registration(parts.context)], database.ping)
            try:
                async with running_workers(parts):
                    await run_until_stopped(server, settings.drain_seconds)
            finally:
                await senders.close()
    finally:
        await database.close()


if __name__ == "__main__":
    run_service(NAME, ChallengeSettings, serve)

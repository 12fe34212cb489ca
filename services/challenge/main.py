"""The challenge service: codes, approvals, notices, and their delivery."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final

from libs.persistence.clock import DatabaseClock
from libs.persistence.database import open_database
from libs.rpc.process import run_service, run_until_stopped
from libs.rpc.server import ServerOptions, build_server
from libs.runtime.ids import Uuid7Ids
from libs.runtime.logging import get_logger
from libs.runtime.settings import EX_CONFIG
from services.challenge.assembly import ReceiptTaker, build_parts, build_senders, running_workers, sound_renderer
from services.challenge.domain.codes import SecretRandomness
from services.challenge.messages.problems import FaultyMessagesError
from services.challenge.privacy_servicer import privacy_registration
from services.challenge.servicer import registration
from services.challenge.settings import ChallengeSettings

NAME: Final = "challenge"
_log = get_logger(__name__)


async def serve(settings: ChallengeSettings) -> None:
    """Run until told to stop."""
    renderer = sound_renderer(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, NAME))
        clock = await stack.enter_async_context(DatabaseClock.open(database))
        receipts = ReceiptTaker()
        senders = build_senders(settings, clock, receipts)
        stack.push_async_callback(senders.close)
        parts = build_parts(
            settings,
            database=database,
            clock=clock,
            ids=Uuid7Ids(),
            randomness=SecretRandomness(),
            senders=senders,
            receipts=receipts,
            renderer=renderer,
        )
        await stack.enter_async_context(running_workers(parts))
        registrations = [registration(parts.context), privacy_registration(parts.context)]
        server = build_server(ServerOptions.from_settings(settings), registrations, database.ping)
        await run_until_stopped(server, settings.drain_seconds)


async def serve_or_refuse(settings: ChallengeSettings) -> None:
    """As :func:`serve`; messages that cannot be made are a fault of the configuration, and said as one."""
    try:
        await serve(settings)
    except FaultyMessagesError as error:
        _log.critical("messages are faulty", problems=[str(each) for each in error.problems])
        raise SystemExit(EX_CONFIG) from None


if __name__ == "__main__":
    run_service(NAME, ChallengeSettings, serve_or_refuse)
